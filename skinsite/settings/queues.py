"""The queues of workers. Rounds do not wait behind a thousand readings, and the other's length is of readings alone."""

READINGS_QUEUE, ROUNDS_QUEUE = "celery", "rounds"
