"""Tests of the body map: its sites, its figure, and what is chosen on it."""
