"""The one place that reads the environment: typed, and `NAME_FILE` aware for Docker secrets."""

import environ

env = environ.FileAwareEnv()
