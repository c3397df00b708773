"""Search for images of the same lesion and near-duplicates."""
