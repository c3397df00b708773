"""Build of a bundle from a trained network: export, fitted limits, measured metrics."""
