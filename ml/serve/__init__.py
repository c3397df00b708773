"""From the bytes of a photograph to a reading."""
