"""Fits that need SciPy, which neither serving nor ``evaluate_model`` needs."""
