"""Networks by the names of timm, with metadata fusion and the decoder of lesion masks."""
