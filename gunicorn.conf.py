"""What gunicorn takes up by itself when it starts beside `manage.py`: its threads, and a log that tells no secret."""

# Threads, so that slow clients do not stop the site; more of them than `skinsite.platform.bodies` lets wait for a body.
worker_class = "skinsite.platform.server.SiteWorker"
threads = 16
timeout = 60
logger_class = "skinsite.platform.server_log.ServerLogger"
# Client, method, path without its query, status, bytes, time, id of the request. No Referer: it may be an invitation.
access_log_format = "%(h)s %(m)s %(U)s %(s)s %(b)s bytes %(M)s ms request=%({x-request-id}o)s"
# Nothing here is steered over it, and it would lie in the home folder: in a container, among the photographs of all.
control_socket_disable = True
