"""The log of gunicorn, written as the site writes its own."""

from gunicorn.config import Config
from gunicorn.glogging import Logger

from skinsite.platform.logs import KeyValueFormatter


class ServerLogger(Logger):  # type: ignore[misc] # gunicorn ships no types
    """Hides secrets that are part of an address, in the lines of requests and of errors alike."""

    def setup(self, cfg: Config) -> None:
        """Open the logs, and write them in our lines."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(KeyValueFormatter())
