"""Training of the network: ``python -m ml.training --help``. Needs ``requirements/ml.txt``, neither Django nor
albumentations."""
