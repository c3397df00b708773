"""The page that explores the data: measures, figures, and what they mean for a model."""
