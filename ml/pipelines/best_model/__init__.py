"""The road to the model that ships, stage after stage: ``python -m ml.pipelines.best_model --help`` and
docs/best-model.md."""
