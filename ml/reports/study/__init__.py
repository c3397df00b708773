"""Documents and figures of the study."""
