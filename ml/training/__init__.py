"""Training of the network. Needs ``requirements/ml.txt``, but neither Django nor albumentations."""
