"""The model card, written from a manifest."""
