"""Measuring a bundle: metrics with intervals, calibration, operating points. Vectorised numpy alone."""
