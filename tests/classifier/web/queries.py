"""Counting the queries of a page."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def count_queries(site: Client, path: str) -> int:
    """How many queries a page takes."""
    site.get(path)  # the first request of a session also writes the session
    with CaptureQueriesContext(connection) as captured:
        assert site.get(path).status_code == 200
    return len(captured)
