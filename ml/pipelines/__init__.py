"""Pipelines of several runs: one training to a bundle, the study, the best model, tuning."""
