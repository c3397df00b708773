"""From downloaded archives or folders to a checked data directory."""
