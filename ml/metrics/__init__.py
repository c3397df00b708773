"""Metrics, intervals and comparisons in NumPy alone."""
