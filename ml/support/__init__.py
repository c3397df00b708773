"""What every room needs: the command line, strict loading, the disk."""
