"""Review and oversight: readings for a clinic's reviewers, model versions for superusers."""

from classifier.admin import model_versions, readings

__all__ = ["model_versions", "readings"]
