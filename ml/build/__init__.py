"""A bundle out of a network: export, fitted limits, measured figures."""
