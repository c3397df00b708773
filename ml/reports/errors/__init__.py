"""The error report of a model."""
