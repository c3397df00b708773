"""Who comes in by a directory, and how long it vouches for them."""
