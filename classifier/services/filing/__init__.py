"""Filing put right where more than one photograph is of something else than was thought."""
