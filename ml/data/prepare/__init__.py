"""Preparation of a checked data directory from downloaded archives or folders."""
