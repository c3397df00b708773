"""Fits that need SciPy: what serving and ``evaluate_model`` do without."""
