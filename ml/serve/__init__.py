"""Serving: from the bytes of a photograph to a reading."""
