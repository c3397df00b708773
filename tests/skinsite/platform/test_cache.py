"""A cache that is away takes nothing with it."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from rest_framework.test import APIClient

from skinsite.accounts.models import Membership
from skinsite.health import run_checks
from skinsite.health.checks import check_cache
from skinsite.platform import cache as cache_module
from skinsite.platform.breaker import Breaker
from skinsite.settings.caches import describe_caches
from tests.skinsite.conftest import token_for


@pytest.fixture(autouse=True)
def _as_if_just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test knows what another has found."""
    monkeypatch.setattr(cache_module, "_breaker", Breaker("cache"))


def use_cache(settings: Settings, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Take the cache at an address, as the environment would."""
    monkeypatch.setenv("CACHE_URL", url)
    settings.CACHES = describe_caches()


@pytest.fixture
def refusing() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{probe.getsockname()[1]}/0"


@pytest.fixture
def hanging() -> Iterator[str]:
    """An address at which somebody listens and never answers."""
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


@pytest.fixture(params=["refusing", "hanging"])
def dead(request: pytest.FixtureRequest) -> str:
    """The address of a cache that cannot be used."""
    return str(request.getfixturevalue(request.param))


def test_the_api_answers_without_its_cache_and_quickly(
    owner: Membership, settings: Settings, monkeypatch: pytest.MonkeyPatch, dead: str, caplog: pytest.LogCaptureFixture
) -> None:
    use_cache(settings, monkeypatch, dead)
    api = APIClient(headers={"authorization": f"Token {token_for(owner, scope='write')[1]}"})

    began = time.monotonic()
    with caplog.at_level(logging.WARNING, "skinsite.platform.breaker"):
        statuses = [api.get("/api/v1/predictions/").status_code for _time in range(10)]
        statuses.append(api.post("/api/v1/predictions/").status_code)

    assert statuses == [200] * 10 + [400]
    assert time.monotonic() - began < 10  # one second is waited, once
    assert len([record for record in caplog.records if "cache does not answer" in record.message]) == 1


def test_readiness_does_not_need_it_and_the_doctor_names_it(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    use_cache(settings, monkeypatch, dead)

    assert "cache" not in run_checks(only_ready=True)
    found = run_checks()["cache"]
    assert not found.ok
    assert "CACHE_URL" in found.remedy


def test_every_use_of_it_goes_on_as_if_nothing_were_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    use_cache(settings, monkeypatch, dead)

    cache.set("a", 1)
    assert cache.get("a") is None
    assert cache.get("a", "default") == "default"
    assert cache.add("a", 1) is False
    assert cache.get_or_set("a", lambda: 3) == 3
    assert cache.get_many(["a", "b"]) == {}
    assert cache.has_key("a") is False
    assert cache.touch("a") is False
    assert cache.delete("a") is False
    with pytest.raises(ValueError, match="not found"):
        cache.incr("a")
    cache.set_many({"a": 1, "b": 2})
    cache.delete_many(["a", "b"])
    cache.clear()


def test_it_is_used_while_it_is_there_and_again_when_it_is_back(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    refusing: str,
    valkey_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "skinsite.platform.breaker")
    use_cache(settings, monkeypatch, refusing)
    cache.set("skinsite-test", 17)
    use_cache(settings, monkeypatch, valkey_url)
    cache.set("skinsite-test", 17)
    assert cache.get("skinsite-test") is None  # left alone for some seconds

    monkeypatch.setattr("skinsite.platform.breaker.SECONDS_LEFT_ALONE", 0.0)
    cache_module._breaker._asked_again_at = 0.0
    cache.set("skinsite-test", 17)

    assert cache.get("skinsite-test") == 17
    assert cache.incr("skinsite-test") == 18
    assert check_cache().ok
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "The cache does not answer",
        "The cache answers again",
    ]


def test_a_command_that_the_server_refuses_leaves_the_others_to_work(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, valkey_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    use_cache(settings, monkeypatch, valkey_url)
    cache.set("skinsite-test", {"not": "a number"})

    with pytest.raises(ValueError, match="not found"):
        cache.incr("skinsite-test")

    assert cache.get("skinsite-test") == {"not": "a number"}
    assert [record.message.partition("(")[0] for record in caplog.records] == ["The cache refused a command "]


@pytest.mark.parametrize("url", ["127.0.0.1:6379", "memcached://127.0.0.1:11211", "localhost"])
def test_an_address_of_another_kind_is_refused_at_the_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_URL", url)
    with pytest.raises(
        ImproperlyConfigured, match=r"CACHE_URL (begins with .*|has no scheme); set redis://HOST:6379/1"
    ):
        describe_caches()
