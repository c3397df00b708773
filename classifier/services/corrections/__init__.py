"""Putting right where a photograph belongs and what it is; readings made before stay as they are."""
