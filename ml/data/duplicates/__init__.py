"""Images that show the same lesion, or are nearly the same."""
