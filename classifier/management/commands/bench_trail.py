"""`manage.py bench_trail`: how long the pages of a very long audit trail take, and sealing it."""

import time
import uuid
from collections.abc import Callable
from hashlib import md5
from math import ceil
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connection
from django.test import Client
from django.urls import reverse

from classifier import audit
from classifier.management.base import UserErrorCommand
from classifier.management.own_site import measure_inside, serve_plain_static_files
from classifier.models import Patient
from ml.errors import UserError
from skinsite.accounts.models import Clinic, Membership, Role, User
from skinsite.audit.models import AuditEvent
from skinsite.audit.seals import seal_events

FEWEST = 100_000
SHARES = [0, 0, 0, 0, 1, 1, 2, 3]
"""Of eight people, who works in which clinic."""
PEOPLE = 200
PATIENTS = 20_000
UNSEALED = 20_000
TIMES = 40
ROUNDS = 20
A_ROUND = 50  # events between two rounds of the sealer
OK = 200
MILLION = 1_000_000
TABLES = ("audit_auditevent", "audit_auditpayload", "audit_auditsubject", "audit_auditseal")

# Of ten events one is a sign-in without a clinic, told to its person's clinic; each fiftieth is a refusal; half are
# of the largest clinic. Five years lie between the first and the last but those of the last hour.
EVENTS = """
INSERT INTO audit_auditevent (id, at, kind, action, actor_id, actor_email, actor_name, clinic_id, object_type,
    object_id, request_id, payload_sha256)
SELECT i,
    now() - CASE WHEN i > %(last)s THEN interval '1 minute'
        ELSE interval '2 hours' + (%(last)s - i)::float / %(last)s * interval '157680000 seconds' END,
    CASE WHEN is_refused THEN 'refusal' ELSE 'access' END,
    CASE WHEN is_sign_in THEN 'user.signed_in' WHEN is_refused THEN 'request.refused' ELSE 'patient.viewed' END,
    %(user)s + who, 'person-' || who || '@clinic.example', 'Person ' || who,
    CASE WHEN NOT is_sign_in THEN %(clinic)s + (%(shares)s)[who %% 8 + 1] END,
    CASE WHEN is_sign_in THEN 'accounts.User' ELSE 'classifier.Patient' END,
    md5(CASE WHEN is_sign_in THEN 'person ' || who ELSE (%(shares)s)[who %% 8 + 1] || ' patient ' || patient END)::uuid,
    md5('request ' || i), md5('hash ' || i) || md5('hash of ' || i)
FROM (
    SELECT i, abs(hashint8(i) %% 10) = 9 AS is_sign_in, abs(hashint8(i + 1) %% 50) = 7 AS is_refused,
        abs(hashint8(i + 2) %% %(people)s) AS who, abs(hashint8(i + 3) %% %(patients)s) AS patient
    FROM generate_series(1, %(events)s::bigint) AS i
) AS drawn
"""
PAYLOADS = """
INSERT INTO audit_auditpayload (event_id, salt, details)
SELECT i, md5('salt ' || i),
    '{"address":"192.0.2.7","browser":"Mozilla/5.0 (X11; Linux x86_64)","number":' || i || '}'
FROM generate_series(1, %(events)s::bigint) AS i
"""
SUBJECTS = """
INSERT INTO audit_auditsubject (event_id, record_type, record_id)
SELECT id, CASE WHEN clinic_id IS NULL THEN 'accounts.Clinic' ELSE 'classifier.Patient' END,
    CASE WHEN clinic_id IS NULL THEN md5('clinic ' || (%(shares)s)[(actor_id - %(user)s) %% 8 + 1])::uuid::text
        ELSE object_id END
FROM audit_auditevent
"""
# Links by their numbers alone: what is measured looks at the last of each chain.
SEALS = """
INSERT INTO audit_auditseal (event_id, chain, number, sha256)
SELECT id, coalesce(clinic_id, 0), row_number() OVER (PARTITION BY clinic_id ORDER BY id), payload_sha256
FROM audit_auditevent WHERE id <= %(last)s
"""


class Command(UserErrorCommand):
    """Measures on a database of its own; writes nothing but its table."""

    help = (
        "Fill the empty PostgreSQL database at --database with events of five years, and print how long the pages of "
        "the trail and a round of the sealer take. Ten million events take about 16 GB of disk."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how many, and where."""
        parser.add_argument("--events", type=int, default=10 * MILLION, help="how many there are (10,000,000)")
        parser.add_argument("--database", default="", help="address of an empty database, as for DATABASE_URL")
        parser.add_argument("--inside", action="store_true", help="fill and measure the database of this process")

    def handle(self, *_args: Any, events: int, database: str, inside: bool, **_options: Any) -> None:
        """Begin anew with settings of its own, and measure there."""
        if events < FEWEST:
            raise UserError(f"--events is {events}; give {FEWEST} or more.")
        if inside:
            self._measure(events)
            return
        if not database.startswith("postgres"):
            raise UserError("--database must be the address of an empty PostgreSQL database.")
        measure_inside("bench_trail", "--events", str(events), database=database)

    def _measure(self, events: int) -> None:
        call_command("migrate", verbosity=0)
        if Clinic.objects.exists():
            raise UserError("--database has clinics in it; give an empty database.")
        serve_plain_static_files()
        began = time.perf_counter()
        reader, other = _fill(events)
        self._tell(f"{events} events filled in {time.perf_counter() - began:.0f} s; each figure of {TIMES}\n")
        self._tell("| what | median, ms | p95, ms | of CPU here, p95, ms |\n|---|---|---|---|")
        for name, address in _pages().items():
            self._tell_times(name, _times(_asker(reader, address), TIMES))
        self._tell_times("everything, of the smallest clinic", _times(_asker(other, reverse("trail")), TIMES))
        _milliseconds, processor = _times(seal_events, 1)
        self._tell(f"\nsealing {UNSEALED} events: {1000 * processor[0] / UNSEALED:.0f} µs of CPU each\n")
        self._tell_times(f"a round of the sealer, {A_ROUND} events", _rounds(reader))
        self._tell_times("the night's sealing of all, nothing waiting", _times(lambda: seal_events(everything=True), 3))

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _tell_times(self, name: str, taken: tuple[list[float], list[float]]) -> None:
        clock, processor = taken
        figures = [_quantile(clock, 0.5), _quantile(clock, 0.95), _quantile(processor, 0.95)]
        self._tell(f"| {name} | " + " | ".join(f"{each:.0f}" for each in figures) + " |")


def _fill(events: int) -> tuple[Membership, Membership]:
    """Make clinics, people, patients and so many events; administrators of the largest and of the smallest clinic."""
    clinics = Clinic.objects.bulk_create(
        Clinic(name=f"Clinic {n}", slug=f"clinic-{n}", public_id=_uuid(f"clinic {n}")) for n in range(max(SHARES) + 1)
    )
    people = User.objects.bulk_create(
        User(email=f"person-{n}@clinic.example", public_id=_uuid(f"person {n}")) for n in range(PEOPLE)
    )
    members = Membership.objects.bulk_create(
        Membership(user=person, clinic=clinics[SHARES[n % len(SHARES)]], role=Role.ADMINISTRATOR)
        for n, person in enumerate(people)
    )
    patients = (
        Patient(clinic=clinics[0], code=f"P-{n:06}", code_key=f"p-{n:06}", public_id=_uuid(f"0 patient {n}"))
        for n in range(PATIENTS)
    )
    Patient.objects.bulk_create(patients, batch_size=2000)
    numbers = {
        "events": events,
        "last": events - UNSEALED,
        "user": people[0].pk,
        "clinic": clinics[0].pk,
        "people": PEOPLE,
        "patients": PATIENTS,
        "shares": SHARES,
    }
    _insert(numbers)
    return members[0], members[len(SHARES) - 1]


def _insert(numbers: dict[str, Any]) -> None:
    """Fill the tables without their triggers, and without the indexes that are built quicker afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s) "
            "AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
            [list(TABLES)],
        )
        indexes = cursor.fetchall()
        cursor.execute("SET session_replication_role = replica")
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for statement in (EVENTS, PAYLOADS, SUBJECTS, SEALS):
            cursor.execute(statement, numbers)
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("SELECT setval(pg_get_serial_sequence('audit_auditevent', 'id'), %s)", [numbers["events"]])
        cursor.execute("VACUUM ANALYZE")


def _uuid(text: str) -> uuid.UUID:
    return uuid.UUID(md5(text.encode(), usedforsecurity=False).hexdigest())


def _pages() -> dict[str, str]:
    """Names and addresses of the pages that are measured."""
    place = AuditEvent.objects.get(pk=AuditEvent.objects.latest("pk").pk // 2)
    far = f"?before={place.at.isoformat().replace('+', '%2B')}_{place.pk}"
    patient = reverse("trail-patient", args=[_uuid("0 patient 0")])
    person, refused = reverse("trail-person", args=[_uuid("person 0")]), reverse("trail-refused")
    return {
        "everything, the newest": reverse("trail"),
        "everything, from the middle": reverse("trail") + far,
        "who saw a patient": patient,
        "what a person did, the newest": person,
        "what a person did, from the middle": person + far,
        "what was refused, the newest": refused,
        "what was refused, from the middle": refused + far,
        "the admin's list, the newest": reverse("admin:audit_auditevent_changelist"),
        "the admin's list, page 200": reverse("admin:audit_auditevent_changelist") + "?p=200",
    }


def _asker(reader: Membership, address: str) -> Callable[[], object]:
    client = Client()
    client.force_login(reader.user, "skinsite.accounts.backends.AccountBackend")

    def ask() -> None:
        answer = client.get(address, secure=True)
        if answer.status_code != OK:
            raise UserError(f"{address} was answered {answer.status_code}.")

    ask()
    return ask


def _rounds(reader: Membership) -> tuple[list[float], list[float]]:
    """Times of rounds of the sealer, each after some events."""
    clock, processor = [], []
    for _round in range(ROUNDS):
        for _number in range(A_ROUND):
            audit.patients_listed(actor=reader, shown=[])
        taken = _times(seal_events, 1)
        clock += taken[0]
        processor += taken[1]
    return clock, processor


def _times(work: Callable[[], object], count: int) -> tuple[list[float], list[float]]:
    """Milliseconds by the clock and of this process's CPU, of so many runs."""
    clock, processor = [], []
    for _run in range(count):
        began = time.perf_counter(), time.process_time()
        work()
        clock.append((time.perf_counter() - began[0]) * 1000)
        processor.append((time.process_time() - began[1]) * 1000)
    return clock, processor


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[ceil(share * len(values)) - 1]
