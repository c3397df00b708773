"""One run from a configuration to a bundle: ``python -m ml train --help``."""
