"""What gunicorn takes up by itself when it starts beside `manage.py`: a log that tells no secret."""

logger_class = "skinsite.server_log.ServerLogger"
# Client, method, path without its query, status, bytes, time. No Referer: it may be the address of an invitation.
access_log_format = "%(h)s %(m)s %(U)s %(s)s %(b)s bytes %(M)s ms"
