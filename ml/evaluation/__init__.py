"""Evaluation of a bundle: metrics with intervals, calibration, operating points, and limits of use."""
