"""Strangers guess passwords from everywhere at once while a clinician's photographs go through, and nothing is lost."""

import itertools
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import urllib3

from tests.classifier.conftest import draw_lesion
from tests.classifier.running.site import PROJECT, Site
from tests.servers import create_postgres_database
from tests.skinsite.platform.test_server_log import command_of_the_image, wait_for_address

PASSWORD = "correct horse battery staple of it"
CLINICIAN = "clinician@clinic.example"
ATTACKED = [CLINICIAN, "nobody@clinic.example", "root@clinic.example"]
STRANGERS, TRIES, UPLOADS = 12, 200, 20
# Ten free, one after each pause (1, 2, 4, … s) for a minute, and those that were under way when the last was counted.
HASHES_OF_AN_ACCOUNT = 10 + 6 + 5
TOKEN = "a" * 32

Fields = dict[str, str | tuple[str, bytes, str]]


@contextmanager
def serving(site: Site) -> Iterator[str]:
    log = site.folder / "web.log"
    with (
        log.open("w") as file,
        subprocess.Popen(
            [*command_of_the_image(), "--bind", "127.0.0.1:0"],
            cwd=PROJECT,
            env=site.variables(),
            stdout=file,
            stderr=file,
        ) as process,
    ):
        try:
            yield wait_for_address(log)
        finally:
            process.terminate()
            process.wait()


class Browser:
    """A clinician's: it keeps cookies, and comes from an address of its own."""

    def __init__(self, address: str) -> None:
        self.address, self.cookies = address, dict[str, str]()
        self.pool = urllib3.PoolManager(4, maxsize=2, headers={"X-Forwarded-For": "192.0.2.1", "Connection": "close"})

    def ask(self, method: str, path: str, fields: Fields | None = None) -> urllib3.BaseHTTPResponse:
        """The answer, of which cookies are kept."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {**self.pool.headers, "Cookie": cookies}
        sent: Mapping[str, str | bytes | tuple[str, str | bytes] | tuple[str, str | bytes, str]] | None = None
        if fields:
            sent = {"csrfmiddlewaretoken": self.cookies.get("csrftoken", ""), **fields}
        url = self.address + path
        answer = self.pool.request(method, url, fields=sent, headers=headers, redirect=False, retries=False, timeout=60)
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def sign_in(self) -> int:
        """The status of the answer."""
        self.ask("GET", "/login/")
        return self.ask("POST", "/login/", {"login": CLINICIAN, "password": PASSWORD}).status


class Attack:
    """Wrong passwords for some accounts, each from an address that was not seen before; the statuses of the answers."""

    def __init__(self, address: str) -> None:
        self.address, self.is_over, self.numbers = address, threading.Event(), itertools.count()
        self.answers: list[int] = []

    def go_on(self) -> None:
        """Guess until it is over."""
        with urllib3.PoolManager(1) as pool:
            while not self.is_over.is_set():
                number = next(self.numbers)
                guess = {"login": ATTACKED[number % 3], "password": f"guess {number}", "csrfmiddlewaretoken": TOKEN}
                headers = {
                    "X-Forwarded-For": f"198.18.{number // 250}.{number % 250}",
                    "Cookie": f"csrftoken={TOKEN}",
                    "Connection": "close",
                    "Content-Type": "application/x-www-form-urlencoded",
                }
                answer = pool.request(
                    "POST", f"{self.address}/login/", body=urlencode(guess), headers=headers, redirect=False, timeout=60
                )
                self.answers.append(answer.status)


def test_uploads_go_through_while_strangers_guess_passwords(postgres_server: str, tmp_path: Path) -> None:
    hashes = tmp_path / "hashes"
    environment = {"PROXY_COUNT": "1", "HASHES": str(hashes), "FREE_DISK_MEGABYTES": "5"}
    url = create_postgres_database(postgres_server)
    site = Site.create(tmp_path, url, **environment)
    site.environment["DJANGO_SETTINGS_MODULE"] = "tests.classifier.running.counted_hashes"
    site.work("set_password", PASSWORD)
    with serving(site) as address:
        browser = Browser(address)
        assert browser.sign_in() == 302
        made_for = re.search(r'name="made_for"\s+value="([^"]+)"', browser.ask("GET", "/upload/").data.decode())
        assert made_for
        hashes.unlink()
        attack = Attack(address)

        def upload(seed: int) -> int:
            image = (f"{seed}.jpg", draw_lesion(seed=seed), "image/jpeg")
            fields: Fields = {"made_for": made_for[1], "modality": "dermoscopic", "new_patient": "on", "image": image}
            return browser.ask("POST", "/upload/", fields).status

        with ThreadPoolExecutor(STRANGERS) as strangers, ThreadPoolExecutor(2) as rows:
            attacking = [strangers.submit(attack.go_on) for _stranger in range(STRANGERS)]
            try:
                uploads = list(rows.map(upload, range(UPLOADS)))
                ends = time.monotonic() + 60
                while len(attack.answers) < TRIES and time.monotonic() < ends:
                    time.sleep(0.2)
                # Nor is the person locked out, in the browser in which they were before: at most told to wait.
                while (again := browser.sign_in()) == 503 and time.monotonic() < ends:
                    time.sleep(0.2)
            finally:
                attack.is_over.set()
            for one in attacking:
                one.result()

    assert uploads == [302] * UPLOADS
    with psycopg.connect(url) as connection:
        told = connection.execute(
            "SELECT status, count(*), count(DISTINCT image_id) FROM classifier_prediction GROUP BY 1"
        )
        assert told.fetchall() == [("done", UPLOADS, UPLOADS)]
        kept = connection.execute("SELECT count(*) FROM audit_auditevent WHERE action = 'image.uploaded'").fetchone()
        assert kept == (UPLOADS,)
    answers = Counter(attack.answers)
    assert answers.total() >= TRIES
    # A wrong password, too many of them, or no turn for now; and not one of them got in.
    assert set(answers) <= {200, 429, 503}
    assert again == 302
    assert hashes.stat().st_size <= len(ATTACKED) * HASHES_OF_AN_ACCOUNT + 1 < TRIES / 3
