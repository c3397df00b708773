"""The study: a list of models to train, measured alike and written down as data."""
