"""Clients that are slow, silent or numerous hold up nobody else: with the real server, as the image starts it."""

import contextlib
import hashlib
import http.client
import io
import json
import os
import re
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from django.core.signals import request_finished
from django.http import HttpResponse
from django.test import Client

from skinsite.platform import server
from skinsite.platform.bodies import AT_ONCE, REFUSED, take_bodies_first
from tests.skinsite.echo import LARGE
from tests.skinsite.platform.test_server_log import PROJECT, command_of_the_image, serving, wait_for_address

ANSWERS_WITHIN = 1.0


def connect(address: str, data: bytes) -> socket.socket:
    where = urlsplit(address)
    connection = socket.create_connection((where.hostname, where.port), timeout=30)
    connection.sendall(data)
    return connection


def post(path: str, length: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + b"begins"


def quickest_answer(site: str) -> float:
    """The seconds of the quickest of five probes: a busy machine may delay one, a stopped site delays all."""
    taken = []
    for _n in range(5):
        began = time.monotonic()
        assert urllib3.request("GET", f"{site}/health/live/", timeout=20, retries=False).status == 200
        taken.append(time.monotonic() - began)
    return min(taken)


SLOW = {
    "small bodies": post("/api/v1/nowhere/", 2_000),
    "uploads": post("/api/v1/predictions/", 25_000_000),
    "bodies in chunks": b"POST /api/v1/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbe",
    "heads": b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ",
    "first bytes": b"P",
    "nothing at all": b"",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    with serving(folder, folder / "log") as address:
        assert urllib3.request("GET", f"{address}/health/live/").status == 200
        yield address


@pytest.mark.parametrize("number", [8, 40])
@pytest.mark.parametrize("kind", [name for name in SLOW if name not in {"heads", "first bytes"}])
def test_many_slow_clients_do_not_stop_the_site(site: str, kind: str, number: int) -> None:
    with contextlib.ExitStack() as open_connections:
        for _n in range(number):
            open_connections.enter_context(connect(site, SLOW[kind]))
        assert quickest_answer(site) < ANSWERS_WITHIN


@pytest.mark.parametrize("kind", ["heads", "first bytes"])
def test_a_dozen_clients_that_never_end_their_heads_do_not_stop_the_site(site: str, kind: str) -> None:
    with contextlib.ExitStack() as open_connections:
        for _n in range(12):
            open_connections.enter_context(connect(site, SLOW[kind]))
        assert quickest_answer(site) < ANSWERS_WITHIN


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server with an application that tells what it was given."""
    log = tmp_path_factory.mktemp("echo") / "log"
    command = command_of_the_image()
    command[command.index("skinsite.wsgi:application")] = "tests.skinsite.echo:application"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "skinsite.settings.testing", "ECHO": "1"}
    with (
        log.open("w") as file,
        subprocess.Popen(
            [*command, "--bind", "127.0.0.1:0"], cwd=PROJECT, env=environment, stdout=file, stderr=file
        ) as process,
    ):
        try:
            yield wait_for_address(log)
        finally:
            process.terminate()
            process.wait()


def test_a_head_that_does_not_end_is_ended(echo: str) -> None:
    began = time.monotonic()
    with connect(echo, SLOW["heads"]) as connection:
        assert connection.recv(1000) == b""
    assert 2 < time.monotonic() - began < 15


def tell(body: bytes, refused: str | None = None) -> dict[str, Any]:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "refused": refused}


@pytest.mark.parametrize("size", [1, 5_000, 3_000_000, 25_000_000])
def test_a_body_in_chunks_arrives_whole(echo: str, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    pieces = (body[at : at + 70_000] for at in range(0, len(body), 70_000))
    answer = urllib3.request("POST", echo, body=pieces, headers={"Connection": "close"}, timeout=60)
    assert answer.json() == tell(body)


def test_a_body_with_its_length_arrives_whole_and_the_connection_goes_on(echo: str) -> None:
    body = b"x" * 4_000_000
    with urllib3.PoolManager(1) as client:
        answers = [client.request("POST", echo, body=sent, timeout=60).json() for sent in (body, b"", b"y")]
    assert answers == [tell(body), tell(b""), tell(b"y")]


def test_chunks_over_the_limit_are_refused(echo: str) -> None:
    pieces = (bytes(1_000_000) for _n in range(140))
    with contextlib.suppress(urllib3.exceptions.ProtocolError):  # the server reads no more of it
        answer = urllib3.request("POST", echo, body=pieces, timeout=60, retries=False)
        assert answer.json()["refused"] == "too_large"


def test_more_bodies_than_turns_are_refused_at_once_and_the_others_arrive(echo: str) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\nbegin"
    with contextlib.ExitStack() as open_connections:
        first = [open_connections.enter_context(connect(echo, head)) for _n in range(AT_ONCE)]
        time.sleep(1)
        last = open_connections.enter_context(connect(echo, head))
        assert read_answer(last)["refused"] == "busy"
        for connection in first:
            connection.sendall(b"ended")
        assert [read_answer(connection) for connection in first] == [tell(b"beginended")] * AT_ONCE


def read_answer(connection: socket.socket) -> Any:
    received = b""
    while piece := connection.recv(4096):
        received += piece
        if received.endswith((b"}", b"0\r\n\r\n")):
            break
    return json.loads(re.search(rb"\{.*\}", received)[0])  # type: ignore[index] # without an answer the test fails


@pytest.mark.parametrize(("pace", "refused"), [(1, "too_slow"), (40_000, None)])
def test_a_body_must_keep_up_its_pace(echo: str, pace: int, refused: str | None) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\nConnection: close\r\n\r\n"
    with connect(echo, head) as connection:  # at its pace it takes longer than the patience of a body that stops
        for _second in range(400_000 // max(pace, 20_000)):
            connection.sendall(bytes(pace))
            if select.select([connection], [], [], 0.9)[0]:
                break
        told = read_answer(connection)
    assert told["refused"] == refused


def test_a_client_that_leaves_before_the_end_of_its_body_is_not_taken_at_its_word(echo: str) -> None:
    with connect(echo, post("/", 100)) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_answer(connection) == tell(b"", "cut_off")


def test_clients_that_take_no_answer_do_not_stop_the_site(echo: str) -> None:
    with contextlib.ExitStack() as open_connections:
        for _n in range(20):
            open_connections.enter_context(connect(echo, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert urllib3.request("GET", echo, timeout=20, retries=False).json() == tell(b"")


def test_a_large_answer_arrives_whole(echo: str) -> None:
    assert urllib3.request("GET", f"{echo}/large", timeout=20, retries=False).data == b"".join(LARGE)


@pytest.mark.parametrize(
    ("path", "megabytes", "words"), [("/login/", 120, "64 kB"), ("/api/v1/predictions/", 131, "130 MB")]
)
@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_a_client_that_sends_too_much_can_read_that_it_was(
    site: str, path: str, megabytes: int, words: str, seconds: float
) -> None:
    piece = bytes(1_000_000)

    def pieces() -> Iterator[bytes]:
        for _n in range(megabytes):
            yield piece
            time.sleep(seconds / megabytes)

    where = urlsplit(site)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    headers = {
        "Content-Length": str(megabytes * len(piece)),
        "X-Forwarded-Proto": "https",
        "Authorization": "Token none",  # a program: it gets no page
    }
    with contextlib.closing(connection):
        connection.request("POST", path, body=pieces(), headers=headers)
        answer = connection.getresponse()
        assert answer.status == 413
        assert words in answer.read().decode()


# Without gunicorn


def test_a_client_that_sends_on_and_on_after_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.5)
    ours, theirs = socket.socketpair()
    left = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            for _n in range(100):
                theirs.sendall(b"x")
                left.wait(0.1)

    with ours, theirs:
        client = threading.Thread(target=drip)
        client.start()
        began = time.monotonic()
        server._linger(ours)
        taken = time.monotonic() - began
        left.set()
        client.join()
    assert taken < 3


def test_the_time_that_an_answer_takes_to_be_made_is_not_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_SECONDS", 0.2)

    def make() -> Iterator[bytes]:
        yield b"begins"
        time.sleep(1.5)
        yield b"ends"

    ours, theirs = socket.socketpair()
    with ours, theirs:
        for piece in server._send_in_time(make(), ours):
            ours.sendall(piece)
        assert theirs.recv(100) == b"beginsends"


def ask(environ: dict[str, Any], at_once: int = 1) -> dict[str, Any]:
    """What the site sees of a request."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: Any) -> list[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read())
        return []

    list(take_bodies_first(application, at_once=at_once)(environ, None))
    return seen


def test_a_server_that_does_not_know_where_chunks_end_refuses_them() -> None:
    seen = ask({"wsgi.input": io.BytesIO(b"5\r\nhello\r\n0\r\n\r\n"), "HTTP_TRANSFER_ENCODING": "chunked"})
    assert (seen[REFUSED], seen["body"]) == ("length_required", b"")


def test_a_body_that_says_that_it_is_too_large_is_left_unread() -> None:
    source = io.BytesIO(bytes(10))
    seen = ask({"wsgi.input": source, "CONTENT_LENGTH": str(10**12)})
    assert (seen["wsgi.input"], seen["CONTENT_LENGTH"]) == (source, str(10**12))


def test_a_request_without_a_body_is_handed_on_untouched() -> None:
    environ: dict[str, Any] = {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": ""}
    assert ask(environ)["wsgi.input"] is environ["wsgi.input"]


def test_a_turn_is_given_back_after_a_body_that_broke_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise ConnectionResetError

    answer = take_bodies_first(lambda environ, _start: [str(environ.get(REFUSED)).encode()], at_once=1)
    for source, reason in ((Broken(), b"cut_off"), (io.BytesIO(b"whole"), b"None")):
        assert list(answer({"wsgi.input": source, "CONTENT_LENGTH": "5"}, None)) == [reason]


def test_a_body_that_ends_before_its_length_is_not_handed_on() -> None:
    seen = ask({"wsgi.input": io.BytesIO(b"seventeen of them"), "CONTENT_LENGTH": "100"})
    assert (seen[REFUSED], seen["body"], seen["CONTENT_LENGTH"]) == ("cut_off", b"", "0")


def post_environ() -> dict[str, Any]:
    return {"wsgi.input": io.BytesIO(b"whole"), "CONTENT_LENGTH": "5"}


def test_a_turn_lasts_until_the_answer_is_made_and_not_until_it_is_sent() -> None:
    told: list[str] = []

    def application(environ: dict[str, Any], _start: Any) -> list[bytes]:
        if not told:
            told.append("first")
            list(answer(post_environ(), None))
        else:
            told.append(str(environ.get(REFUSED)))
        return [b"made", b"sent"]

    answer = take_bodies_first(application, at_once=1)
    sending = iter(answer(post_environ(), None))
    assert (next(sending), told) == (b"made", ["first", "busy"])
    assert list(answer(post_environ(), None)) == [b"made", b"sent"]
    assert told == ["first", "busy", "None"]
    assert list(sending) == [b"sent"]


@pytest.mark.parametrize(("within", "refused"), [("/login/", "busy"), ("/upload/", "None")])
def test_tries_to_sign_in_leave_half_of_the_turns_to_all_else(within: str, refused: str) -> None:
    told: list[str] = []

    def application(environ: dict[str, Any], _start: Any) -> list[bytes]:
        told.append(str(environ.get(REFUSED)))
        if len(told) <= AT_ONCE // 2:  # while this one is answered, the next comes
            path = "/login/" if len(told) < AT_ONCE // 2 else within
            list(answer(post_environ() | {"PATH_INFO": path}, None))
        return []

    answer = take_bodies_first(application)
    for _round in range(2):  # all turns are given back
        told.clear()
        list(answer(post_environ() | {"PATH_INFO": "/login/"}, None))
        assert told == ["None"] * (AT_ONCE // 2) + [refused]


@pytest.mark.django_db  # what ends with a request looks at the connection
def test_the_answer_to_a_body_is_closed_when_it_was_sent() -> None:
    finished: list[str] = []

    def note(**_signal: object) -> None:
        finished.append("finished")

    request_finished.connect(note)
    try:
        answer = take_bodies_first(lambda _environ, _start: HttpResponse(b"told"))
        assert [(piece, list(finished)) for piece in answer(post_environ(), None)] == [(b"told", [])]
        assert finished == ["finished"]
    finally:
        request_finished.disconnect(note)


@pytest.mark.parametrize(
    ("reason", "status", "words"),
    [
        ("length_required", 411, "Send it with Content-Length"),
        ("too_large", 413, "at most 130 MB"),
        ("too_slow", 408, "Send it again"),
        ("busy", 503, "in a minute"),
        ("cut_off", 400, "Send it again"),
        ("disk_full", 503, "make room"),
    ],
)
@pytest.mark.django_db
def test_why_a_body_was_not_taken_in_is_told_on_pages_and_to_machines(
    client: Client, reason: str, status: int, words: str
) -> None:
    page = client.post("/upload/", **{REFUSED: reason})  # type: ignore[arg-type] # what the wrapper leaves
    told = client.post("/api/v1/predictions/", **{REFUSED: reason})  # type: ignore[arg-type] # as above
    assert (page.status_code, told.status_code) == (status, status)
    assert words in page.content.decode()
    assert words in told.json()["detail"]
    assert told.json()["errors"][0]["code"] == reason
    assert ("Retry-After" in told) == (status == 503)


@pytest.mark.django_db
def test_chunks_that_came_past_the_server_are_answered_with_a_remedy(client: Client) -> None:
    answer = client.generic("POST", "/api/v1/predictions/", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
    assert answer.status_code == 411
    assert "Content-Length" in answer.json()["detail"]
