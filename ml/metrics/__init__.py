"""Metrics, intervals and comparisons in NumPy only."""
