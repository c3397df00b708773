"""Training of the network. Needs ``requirements/ml.txt``, neither Django nor albumentations."""
