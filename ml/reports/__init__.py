"""Documents generated from data."""
