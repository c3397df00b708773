"""The service under a database account that owns nothing: it reads photographs, and lifts no trigger."""

from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from ml.bundle.folder import DEFAULT_BUNDLE
from tests.classifier.conftest import draw_lesion
from tests.classifier.running.site import Site
from tests.servers import create_postgres_database

OUT_OF_REACH = (
    "DROP TRIGGER audit_auditevent_refuse_update ON audit_auditevent",
    "ALTER TABLE audit_auditevent DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION skinsite_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION skinsite_refuse_change() CASCADE",
    "TRUNCATE audit_auditevent CASCADE",
    "TRUNCATE classifier_review",
    "DELETE FROM audit_auditevent",
    "UPDATE audit_auditevent SET action = 'forged'",
    "UPDATE audit_auditseal SET sha256 = ''",
    "DELETE FROM classifier_prediction",
    "UPDATE classifier_review SET diagnosis = 'NV'",
    "INSERT INTO audit_warrant SELECT * FROM audit_warrant",
    "ALTER TABLE audit_auditevent ADD COLUMN forged int",
    "DROP TABLE audit_auditevent",
    "CREATE TABLE mine (id int)",
    "CREATE ROLE another",
)


def test_the_service_serves_under_an_account_that_can_change_no_trigger(postgres_server: str, tmp_path: Path) -> None:
    url, role = create_postgres_database(postgres_server), f"service_{uuid4().hex[:8]}"
    password = tmp_path / "password"
    password.write_text("secret ' word\n")
    owner = Site({"SKINSITE_VAR": str(tmp_path), "DATABASE_URL": url}, tmp_path)
    owner.manage("migrate", "--verbosity", "0")
    owner.manage("grant_service_role", role, exit_code=2)  # it is not there
    owner.manage("grant_service_role", str(urlsplit(url).username), exit_code=2)  # it is the owner
    for _time in range(2):
        owner.manage("grant_service_role", role, "--password-file", str(password))
    parts = urlsplit(url)
    service_url = parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}").geturl()

    service = Site(owner.environment | {"DATABASE_URL": service_url}, tmp_path)
    service.manage("register_model", str(DEFAULT_BUNDLE), "--activate")
    service.work("prepare")
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion(seed=7))
    assert service.work("upload", photograph)[1] == "done"
    service.manage("housekeep")
    assert "events are as they were written" in service.manage("verify_trail")

    with psycopg.connect(service_url, autocommit=True) as connection:
        for statement in OUT_OF_REACH:
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityError)):
                connection.execute(statement.encode())
        assert connection.execute(b"SELECT count(*) > 5 FROM audit_auditevent").fetchone() == (True,)
