"""A real HTTP server of a few files, which can drop connections, ignore ranges and change its mind."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class FileServer:
    """``files`` by name; the first ``drops`` answers break off half-way; ``asked`` is what came: (name, range)."""

    files: dict[str, bytes]
    drops: int = 0
    ignores_ranges: bool = False
    address: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serve_files(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve on a free port of this machine until the block ends."""
    state = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, state)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}/2018/"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def answer(request: BaseHTTPRequestHandler, state: FileServer) -> None:
    """Answer as S3 does: one open range, as long as the ETag of If-Range is the file's."""
    name, asked_range = request.path.rpartition("/")[2], request.headers.get("Range")
    state.asked.append((name, asked_range))
    data = state.files.get(name)
    if data is None:
        request.send_error(404)
        return
    etag = f'"{sha256(data).hexdigest()[:16]}"'
    wanted = re.fullmatch(r"bytes=(\d+)-", asked_range or "")
    start = int(wanted[1]) if wanted and request.headers.get("If-Range", etag) == etag else 0
    if state.ignores_ranges:
        start = 0
    if start >= len(data) > 0:
        request.send_response(416)
        request.send_header("Content-Range", f"bytes */{len(data)}")
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
    request.send_header("Content-Length", str(len(data) - start))
    request.send_header("ETag", etag)
    request.end_headers()
    if state.drops:
        state.drops -= 1
        request.wfile.write(data[start : start + (len(data) - start) // 2])
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
        return
    request.wfile.write(data[start:])
