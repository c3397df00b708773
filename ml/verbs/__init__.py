"""The commands of ``python -m ml``: their options, and one table of their requirements."""
