"""The private storage of bytes: a folder of this machine, or a bucket."""
