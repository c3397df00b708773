"""The data exploration page: measures, figures, and their meaning for a model."""
