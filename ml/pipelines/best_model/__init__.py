"""The pipeline to the shipped model, in stages: ``python -m ml best-model --help`` and docs/best-model.md."""
