"""Support for all packages: command line, strict loading, disk."""
