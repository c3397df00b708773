"""Template tags of the readings."""
