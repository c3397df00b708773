"""Documents generated from results."""
