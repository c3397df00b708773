"""The study: a list of models, trained, measured in the same way, and recorded as data."""
