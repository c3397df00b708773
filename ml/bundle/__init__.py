"""The contract between training and serving: manifest, hashes, stores, attribution."""
