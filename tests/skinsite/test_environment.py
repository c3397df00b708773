"""Every variable: taken literally, or refused in one line that names it; and never does a message tell a secret."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from celery import Celery
from django.core.exceptions import ImproperlyConfigured
from redis import ConnectionPool

from skinsite.settings.env import Environment

ROOT = Path(__file__).parent.parent.parent
SECRET = "5u8Wq-Lr0ZcY3vT7nB1xKdE9hGfJ2mP4sA6tUoIiQyVwRzXeNbMkLpHgFdSaCj"
NEEDED = {
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "skin.example.org",
    "DATABASE_URL": "postgresql://u@db.example.org/skin",
}
# The words that a name's type says: every variable that the settings read, in every module of theirs.
NAMES = sorted(
    set(
        re.findall(
            r"\benv\.\w+\(\s*\"([A-Z0-9_]+)\"|\bread_rate\(\"([A-Z_]+)\"",
            "".join(path.read_text() for path in (ROOT / "skinsite" / "settings").glob("*.py")),
        )
    )
)
VARIABLES = [one or other for one, other in NAMES] + ["S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY"]
HOSTILE = [
    "$HOME",
    "$SECRET_KEY",
    "${HOME}",
    "$",
    "a#b?c%20d@e:f/g h",
    "C# work/50% off?",
    "пароль ü Ж",
    "'quoted'",
    '"5"',
    "a;b",
    "0",
    "-1",
    "1.5",
    "1e3",
    "nan",
    "True ",
    "٣",
    "1_000",
    "99999999999999999999",
    "9" * 5000,
    "x" * 300,
    "two\nlines",
    "redis://:p%zz@[::1]:1/x",
    "https://skin.example.org/",
    "skin.example.org:8443",
    "*",
    ",",
]

Load = Callable[..., ModuleType]
READ_ANEW = ("skinsite.settings.", "classifier.settings")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Load]:
    """Read the settings anew, of production unless another module is named, with what they need."""
    kept = {name: module for name, module in sys.modules.items() if name.startswith(READ_ANEW)}

    def read(*, module: str = "production", **variables: str) -> ModuleType:
        for name in [name for name in sys.modules if name.startswith(READ_ANEW)]:
            del sys.modules[name]
        for name, value in ({"SKINSITE_VAR": str(tmp_path)} | NEEDED | variables).items():
            monkeypatch.setenv(name, value)
        return importlib.import_module(f"skinsite.settings.{module}")

    yield read
    sys.modules.update(kept)
    for name, module in kept.items():
        package, _, last = name.rpartition(".")
        setattr(sys.modules[package], last, module)


def refusal(load: Load, **variables: str) -> str:
    """The one line that these variables are refused with; empty if they are not."""
    # What a bucket needs is read only where there is one, and DEBUG only on a laptop.
    bucket = {"S3_BUCKET": "photographs"} if any(name.startswith("S3_") for name in variables) else {}
    whole = any(name.removesuffix("_FILE") in {"S3_BUCKET", "S3_ENDPOINT_URL"} for name in variables)
    module = "development" if "DEBUG" in variables else "production"
    try:
        load(module=module, **({} if whole else bucket), **variables)
    except ImproperlyConfigured as error:
        told = str(error)
        assert "\n" not in told
        return told
    return ""


def test_the_list_of_variables_is_whole() -> None:
    assert len(VARIABLES) > 35
    assert {"SECRET_KEY", "S3_SECRET_KEY", "EMAIL_URL", "HSTS_PRELOAD", "READS_RATE", "LOG_LEVEL"} <= set(VARIABLES)


@pytest.mark.parametrize("name", VARIABLES)
def test_no_value_is_more_than_one_line(load: Load, name: str) -> None:
    for value in HOSTILE:
        told = refusal(load, **{name: value})
        # S3's halves name each other.
        assert told == "" or told.startswith(name) or (name.startswith("S3_") and told.startswith("S3_")), (value, told)
        assert "production does not start" not in told or value.strip(", ") == "", (value, told)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_file_that_gives_no_value_is_one_line_naming_the_variable(load: Load, name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\r\n")
    (tmp_path / "utf16").write_text("value", encoding="utf-16")
    (tmp_path / "lines").write_text("one\ntwo\n")
    (tmp_path / "large").write_text("x" * 100_000)
    for file in ("missing", "empty", "utf16", "lines", "large", ".", "x" * 300):
        told = refusal(load, **{name: "", f"{name}_FILE": str(tmp_path / file)})
        assert told.startswith(f"{name}_FILE "), (file, told)
        assert "value" not in told.split(";")[0].replace("a value", ""), told


@pytest.mark.parametrize("name", VARIABLES)
def test_a_value_and_a_file_contradict_each_other(load: Load, name: str, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    told = refusal(load, **{name: "1", f"{name}_FILE": str(tmp_path / "one")})
    assert told == f"{name} and {name}_FILE are both set; keep one of them."


SECRETS = [
    "$begins",
    "a$HOME${HOME}",
    "a#b",
    "a?b",
    "100%",
    "p%41",
    "a@b",
    "a:b/c",
    "with blank",
    "ü",
    "пароль",
    "'\"\\`",
    "={}",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_as_it_is(load: Load, secret: str, tmp_path: Path) -> None:
    key = secret + SECRET
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf" + key.encode() + b"\r\n")
    variables = {"S3_BUCKET": "b", "S3_ACCESS_KEY": secret, "S3_SECRET_KEY": key, "S3_PREFIX": secret}
    settings = load(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key"), **variables)
    options = settings.STORAGES["default"]["OPTIONS"]
    assert key == settings.SECRET_KEY
    assert (options["access_key"], options["secret_key"], options["location"]) == (secret, key, secret)


@pytest.mark.parametrize(
    "name", ["C# work", "what?now", "50%20 #1", "100%", "Данные (копия)", "a:b@c", "$HOME", "ü&ö=1"]
)
def test_a_folder_may_have_any_name(load: Load, name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    settings = load(SKINSITE_VAR=str(folder), DATABASE_URL=f"sqlite:///{folder}/skin.sqlite3".replace("%", "%25"))
    assert settings.DATABASES["default"]["NAME"] == str(folder / "skin.sqlite3")
    assert (folder, folder / "models") == (settings.VAR_DIR, settings.MODEL_STORE)


def test_two_checkouts_under_odd_names_have_two_databases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    described = [Environment().database("DATABASE_URL", tmp_path / name / "x.sqlite3") for name in ("C# one", "C# two")]
    assert [one["NAME"] for one in described] == [
        str(tmp_path / "C# one/x.sqlite3"),
        str(tmp_path / "C# two/x.sqlite3"),
    ]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("sqlite:////no/such/folder/x.sqlite3", "leads to '/no/such/folder', which is no folder"),
        ("sqlite:////tmp", "leads to '/tmp', which is a folder"),
        ("sqlite://data/x.sqlite3", "four strokes before an absolute path"),
        ("sqlite:///", "names no file"),
        ("/srv/skin.sqlite3", "has no scheme; set postgresql://"),
        ("mysql://u:hush@h/n", "begins with 'mysql'; set postgresql://"),
        ("postgresql://u:hu/sh@h/n", "cannot be read as an address"),
        ("postgresql://u:1/hush@h/n", "cannot be read as an address"),
        ("postgresql://u:1?hush@h/n", "cannot be read as an address"),
        ("postgresql://u:hu#sh@h/n", "%23"),
        ("postgresql://u:1#hush@h/n", "%23"),
        ("postgresql://u:hush%ff@h/n", "not UTF-8"),
        ("postgresql://u:hush%00@h/n", "%00"),
        ("postgresql://u:hush@h:99999/n", "cannot be read as an address"),
        ("postgresql://u:hush@h", "names no database"),
        ("postgresql://u:hush@h/n?sslmod=require", "an option that it does not know"),
        ("postgresql://u:hush@h/n?sslmode=require&sslmode=disable", "gives an option twice"),
        ('"postgresql://u:hush@h/n"', "has no scheme"),
    ],
)
def test_a_bad_database_address_is_named_without_its_password(load: Load, address: str, told: str) -> None:
    refused = refusal(load, DATABASE_URL=address)
    assert refused.startswith("DATABASE_URL ")
    assert told in refused
    assert "hush" not in refused


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("$x", "$x"),
        ("p@ss", "p@ss"),
        ("a:b", "a:b"),
        ("100%", "100%"),
        ("%23%2F%3F%25%40%3A%20", "#/?%@: "),
        ("with blank", "with blank"),
        ("пароль", "пароль"),
        ("a[b]&c=d;e,f+g", "a[b]&c=d;e,f+g"),
    ],
)
def test_a_password_in_an_address_is_taken_as_it_is(load: Load, written: str, password: str) -> None:
    servers = {"DATABASE_URL": "postgresql", "CACHE_URL": "redis", "BROKER_URL": "redis"}
    given = {name: f"{scheme}://us%40er:{written}@srv:6000/7" for name, scheme in servers.items()}
    settings = load(**given)
    database = settings.DATABASES["default"]
    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"]) == (
        "us@er",
        password,
        "srv",
        6000,
    )
    cache = ConnectionPool.from_url(settings.CACHES["default"]["LOCATION"]).connection_kwargs
    assert (cache["username"], cache["password"], cache["host"], cache["db"]) == ("us@er", password, "srv", 7)
    # Django takes a text with commas or semicolons for several servers.
    assert not re.search("[;,]", settings.CACHES["default"]["LOCATION"])
    broker = Celery(broker=settings.CELERY_BROKER_URL).connection_for_write()
    assert (broker.userid, broker.password, broker.hostname, broker.virtual_host) == ("us@er", password, "srv", "7")


def test_a_broker_of_amqp_keeps_its_virtual_host(load: Load) -> None:
    broker = Celery(
        broker=load(BROKER_URL="amqp://u:p%2Fq@rabbit:5672/skin%2Fsite").CELERY_BROKER_URL
    ).connection_for_write()
    assert (broker.userid, broker.password, broker.virtual_host) == ("u", "p/q", "skin/site")


def test_a_broker_with_tls_is_spoken_to_with_tls(load: Load) -> None:
    settings = load(BROKER_URL="rediss://u:p@broker:6380/0")
    broker = Celery(broker=settings.CELERY_BROKER_URL).connection_for_write()
    assert cast("Any", broker.ssl)["ssl_cert_reqs"].name == "CERT_REQUIRED"
    assert (
        ConnectionPool.from_url(
            load(CACHE_URL="rediss://c:6380").CACHES["default"]["LOCATION"]
        ).connection_class.__name__
        == "SSLConnection"
    )


def test_a_name_beyond_ascii_is_the_one_that_browsers_send(load: Load) -> None:
    settings = load(
        ALLOWED_HOSTS="Пример.рф, SKIN.example.org,.example.org,[::1],SKIN.example.org",
        CSRF_TRUSTED_ORIGINS="https://пример.рф:8443/",
    )
    assert settings.ALLOWED_HOSTS == ["xn--e1afmkfd.xn--p1ai", "skin.example.org", ".example.org", "[::1]"]
    assert settings.CSRF_TRUSTED_ORIGINS == ["https://xn--e1afmkfd.xn--p1ai:8443"]


@pytest.mark.parametrize(
    "value",
    [
        "https://skin.example.org",
        "skin.example.org:8443",
        "skin.example.org/",
        "*",
        "*.example.org",
        "a b",
        "a_b",
        ".",
        "a;b",
        "'a'",
    ],
)
def test_hosts_are_bare_names(load: Load, value: str) -> None:
    assert refusal(load, ALLOWED_HOSTS=value).startswith(f"ALLOWED_HOSTS holds {value!r}; set bare names")


@pytest.mark.parametrize(
    "value", ["skin.example.org", "http://skin.example.org", "https://a/b", "https://", "https://a b", "*"]
)
def test_origins_are_of_https(load: Load, value: str) -> None:
    assert refusal(load, CSRF_TRUSTED_ORIGINS=value).startswith(
        f"CSRF_TRUSTED_ORIGINS holds {value!r}; set https://NAME"
    )


@pytest.mark.parametrize(
    ("address", "port", "starttls", "implicit"),
    [
        ("smtps://u:p@mail.example.org", 465, False, True),
        ("smtps://u:p@mail.example.org:465", 465, False, True),
        ("smtps://u:p@mail.example.org:8465", 8465, False, True),
        ("smtp+tls://u:p@mail.example.org", 587, True, False),
        ("smtp+tls://u:p@mail.example.org:25", 25, True, False),
        ("smtp://u:p@mail.example.org", 25, False, False),
    ],
)
def test_mail_goes_by_the_tls_that_its_port_speaks(
    load: Load, address: str, port: int, *, starttls: bool, implicit: bool
) -> None:
    settings = load(EMAIL_URL=address)
    assert settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend"
    assert (port, starttls, implicit) == (settings.EMAIL_PORT, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("smtps://u:hush@mail:587", "speak smtps, and it speaks smtp+tls"),
        ("smtp+tls://u:hush@mail:465", "speak smtp+tls, and it speaks smtps"),
        ("smtp://u:hush@mail:465", "speak smtp, and it speaks smtps"),
        ("smtp+tls://u:hu#sh@mail:587", "%23"),
        ("smtp+tls://u:hush@/", "needs a host"),
        ("smtp+tls://u:hush-ключ@mail", "outside ASCII"),
        ("mail.example.org:587", "begins with 'mail.example.org'; set smtp+tls://"),
        ("smtp+ssl://u:hush@mail", "begins with 'smtp+ssl'; set smtp+tls://"),
    ],
)
def test_a_bad_mail_address_is_named_without_its_password(load: Load, address: str, told: str) -> None:
    refused = refusal(load, EMAIL_URL=address)
    assert refused.startswith("EMAIL_URL ")
    assert told in refused
    assert "hush" not in refused


@pytest.mark.parametrize(
    "secret",
    ["a" * 60, "only-for-collectstatic", "ab" * 40, SECRET[:49]],
    ids=["a", "short", "two letters", "49 letters"],
)
def test_a_weak_key_does_not_start(load: Load, secret: str) -> None:
    told = refusal(load, SECRET_KEY=secret)
    assert told.startswith("SECRET_KEY is weak. Set 50 or more random characters")
    assert secret not in told


def test_browsers_are_bound_for_this_name_alone(load: Load) -> None:
    settings = load()
    assert (settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS, settings.SECURE_HSTS_PRELOAD) == (
        365 * 24 * 3600,
        False,
        False,
    )
    assert refusal(load, HSTS_PRELOAD="1").startswith("HSTS_PRELOAD needs HSTS_SUBDOMAINS=1")
    assert load(HSTS_SUBDOMAINS="1").SECURE_HSTS_PRELOAD


@pytest.mark.parametrize(
    "variables",
    [
        {"S3_ACCESS_KEY": "k", "S3_BUCKET": "b"},
        {"S3_SECRET_KEY": "k", "S3_BUCKET": "b"},
        {"S3_ENDPOINT_URL": "https://s3"},
    ],
)
def test_half_a_bucket_is_refused(load: Load, variables: dict[str, Any]) -> None:
    assert refusal(load, **variables).startswith(
        ("S3_ACCESS_KEY and S3_SECRET_KEY belong together", "S3_BUCKET is not set")
    )


def test_a_file_that_another_account_owns_names_the_account_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setenv("ONE_FILE", "/run/secrets/one")
    with pytest.raises(
        ImproperlyConfigured, match=r"^ONE_FILE names '/run/secrets/one', which user \d+ cannot read \(Permission"
    ):
        Environment().text("ONE")
