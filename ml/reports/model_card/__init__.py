"""The model card, generated from a manifest."""
