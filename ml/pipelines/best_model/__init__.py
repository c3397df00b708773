"""The road to the model that ships, stage after stage: ``python -m ml best-model --help`` and
docs/best-model.md."""
