"""Images for training and evaluation: reading, checking, splitting, caching."""
