"""`manage.py bench_lists`: how long the lists of a large clinic take, their last pages too."""

import statistics
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connection
from django.db.models import Model, OuterRef, Subquery
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tqdm import tqdm

from classifier.management.base import UserErrorCommand
from classifier.management.own_site import measure_inside, serve_plain_static_files
from classifier.models import (
    Examination,
    Lesion,
    LesionImage,
    LesionReading,
    ModelVersion,
    Patient,
    Prediction,
    Review,
    Visit,
)
from ml.errors import UserError
from ml.taxonomy import CLASSES
from skinsite.accounts.models import ApiToken, Clinic, Membership, Role, Scope, User

PER_PATIENT = 5  # readings
FEWEST = 10_000
BATCH = 2000
TIMES = 3
OK = 200
THRESHOLDS = {"malignant": {"low_risk_below": 0.08, "suspicious_from": 0.3}}
SIMILAR = [
    {"image_id": f"ISIC_{number:07}", "diagnosis": "NV", "confirmation": "histo", "similarity": 0.9}
    for number in range(12)
]


class Command(UserErrorCommand):
    """Measures on a database of its own; writes nothing but its table."""

    help = (
        "Fill a database of its own with readings, and print how long the first and the last pages of lists take, by "
        "the clock and of this process's CPU (which others on the machine disturb less), with the number of queries. "
        "SQLite in a temporary folder, or the empty database at --database."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how many, and where."""
        parser.add_argument("--readings", type=int, default=100_000, help="how many there are (100,000)")
        parser.add_argument("--database", default="", help="address of an empty database, as for DATABASE_URL")
        parser.add_argument("--inside", action="store_true", help="fill and measure the database of this process")

    def handle(self, *_args: Any, readings: int, database: str, inside: bool, **_options: Any) -> None:
        """Begin anew with settings of its own, and measure there."""
        if readings < FEWEST:
            raise UserError(f"--readings is {readings}; give {FEWEST} or more, so that there are pages.")
        if inside:
            self._measure(readings)
            return
        measure_inside("bench_lists", "--readings", str(readings), database=database)

    def _measure(self, readings: int) -> None:
        call_command("migrate", verbosity=0)
        if Clinic.objects.exists():
            raise UserError("--database has clinics in it; give an empty database.")
        serve_plain_static_files()
        member = _fill(readings)
        call_command("housekeep", stdout=self.stdout)
        self.stdout.write(f"{readings} readings, {connection.vendor}; medians of {TIMES}\n")
        self.stdout.write("| page | ms | of CPU | queries |\n|---|---|---|---|")
        for name, address, client in _pages(member, readings):
            clock, processor, queries = _time(client, address)
            self.stdout.write(f"| {name} | {clock:.0f} | {processor:.0f} | {queries} |")
            self.stdout.flush()


def _fill(readings: int) -> Membership:
    """Make a clinic with so many readings, half of them reviewed; its administrator."""
    now = timezone.now()
    clinic = Clinic.objects.create(name="Bench", slug="bench")
    user = User.objects.create_user("bench@clinic.example")
    member = Membership.objects.create(user=user, clinic=clinic, role=Role.ADMINISTRATOR)
    version = ModelVersion.objects.create(name="bench", version="1", bundle_sha256="0" * 64, manifest={})
    count = -(-readings // PER_PATIENT)
    _insert(
        Patient,
        (Patient(clinic=clinic, code=f"P-{n:06}", code_key=f"p-{n:06}") for n in range(count)),
        count,
        "patient",
    )
    patients = list(Patient.objects.values_list("pk", flat=True))
    _insert(Lesion, (Lesion(patient_id=key, number=1, body_site="back") for key in patients), count, "lesion")
    lesions = dict(Lesion.objects.values_list("patient", "pk"))
    times = [now - timedelta(minutes=readings - n) for n in range(readings)]
    days = (Visit(patient_id=patients[n % count], day=times[n].date()) for n in range(readings))
    _insert(Visit, days, readings, "visit")
    visits = Visit.objects.order_by("pk").values_list("pk", "patient")
    looks = (Examination(visit_id=visit, lesion_id=lesions[patient]) for visit, patient in visits.iterator())
    _insert(Examination, looks, readings, "examination")
    examinations = list(Examination.objects.order_by("pk").values_list("pk", flat=True))
    _insert(LesionImage, (_image(n, examinations[n], times[n]) for n in range(readings)), readings, "photograph")
    images = list(LesionImage.objects.order_by("uploaded_at").values_list("pk", flat=True))
    _insert(Prediction, (_reading(images[n], version, times[n]) for n in range(readings)), readings, "reading")
    _insert(LesionReading, (_lesion_reading(key, version) for key in examinations), readings, "lesion reading")
    own = LesionReading.objects.filter(examination=OuterRef("pk")).values("pk")
    Examination.objects.update(reading=Subquery(own[:1]))
    reviewed = list(Prediction.objects.order_by("pk").values_list("pk", flat=True))[::2]
    reviews = (Review(prediction_id=key, reviewer=user, diagnosis="NV", certainty="high") for key in reviewed)
    _insert(Review, reviews, len(reviewed), "review")
    return member


def _insert(model: type[Model], rows: Iterable[Model], total: int, unit: str) -> None:
    rows = iter(rows)
    with tqdm(total=total, unit=unit) as bar:
        while batch := list(islice(rows, BATCH)):
            model._base_manager.bulk_create(batch)  # noqa: SLF001 any model has it
            bar.update(len(batch))


def _lesion_reading(examination: int, version: ModelVersion) -> LesionReading:
    return LesionReading(
        examination_id=examination,
        model_version=version,
        bundle_sha256=version.bundle_sha256,
        inputs=[],
        inputs_sha256="0" * 64,
        outcome="suspicious",
        reason="above_suspicious_threshold",
        classes=list(CLASSES),
        probabilities=[1 / 7] * 7,
        malignant_probability=3 / 7,
        thresholds=THRESHOLDS,
    )


def _image(number: int, examination: int, uploaded_at: Any) -> LesionImage:
    return LesionImage(
        examination_id=examination,
        original_name=f"photograph-{number}.jpg",
        upload_sha256=f"{number:064}",
        stored_sha256=f"{number:064}",
        stored_name=f"images/{number}.jpg",
        stored_bytes=100_000,
        width=600,
        height=450,
        uploaded_at=uploaded_at,
    )


def _reading(image: int, version: ModelVersion, created_at: Any) -> Prediction:
    return Prediction(
        image_id=image,
        modality="dermoscopic",
        model_version=version,
        bundle_sha256=version.bundle_sha256,
        stored_sha256="0" * 64,
        status="done",
        outcome="suspicious",
        reason="above_suspicious_threshold",
        attempts=1,
        created_at=created_at,
        started_at=created_at,
        finished_at=created_at,
        classes=list(CLASSES),
        probabilities=[1 / 7] * 7,
        balanced_scores=[1 / 7] * 7,
        logits=[[0.1] * 7] * 2,
        malignant_probability=3 / 7,
        thresholds=THRESHOLDS,
        measures={"lesion_area": 0.2, "lesion_at_edge": 0.0, "lesion_asymmetry": 0.1},
        similar_cases=SIMILAR,
    )


def _pages(member: Membership, readings: int) -> list[tuple[str, str, Client]]:
    """Name, address and client of what is measured."""
    person, machine = Client(), Client(headers={"authorization": f"Token {_token(member)}"})
    person.force_login(member.user, "skinsite.accounts.backends.AccountBackend")
    last, patients = -(-readings // 25), -(-readings // PER_PATIENT // 25)
    listed = [
        ("home", "/"),
        ("history, first page", "/history/"),
        (f"history, page {last // 2}", f"/history/?page={last // 2}"),
        (f"history, page {last} (last)", f"/history/?page={last}"),
        ("history, searched by code", "/history/?q=P-000017"),
        ("patients, first page", "/patients/"),
        (f"patients, page {patients} (last)", f"/patients/?page={patients}"),
        ("admin readings, first page", "/admin/classifier/prediction/"),
        (f"admin readings, page {readings // 50} (last)", f"/admin/classifier/prediction/?p={readings // 50}"),
    ]
    asked = [
        ("API readings, 50", ""),
        ("API readings, 200", "?page_size=200"),
        ("API readings, after 4,000", f"?page_size=200&{_cursor(4000)}"),
        ("API readings, the last 50", f"?{_cursor(readings - 51)}"),
        ("API readings, outcome and not reviewed", "?outcome=suspicious&reviewed=false"),
    ]
    return [
        *((name, address, person) for name, address in listed),
        *((name, f"/api/v1/predictions/{query}", machine) for name, query in asked),
    ]


def _token(member: Membership) -> str:
    _row, key = ApiToken.objects.create(member.user, membership=member, scope=Scope.READ)
    return str(key)


def _cursor(rows: int) -> str:
    """The cursor of the page after so many rows."""
    at = Prediction.objects.order_by("-created_at").values_list("created_at", flat=True)[rows - 1]
    return urlencode({"cursor": b64encode(urlencode({"p": str(at)}).encode()).decode()})


def _time(client: Client, address: str) -> tuple[float, float, int]:
    """Median milliseconds of some requests, by the clock and of the processor, and the queries of one."""

    def ask() -> None:
        answer = client.get(address, secure=True)
        if answer.status_code != OK:
            raise UserError(f"{address} was answered {answer.status_code}.")

    with CaptureQueriesContext(connection) as queries:
        ask()
        count = len(queries)
    taken = [_milliseconds(ask) for _time in range(TIMES)]
    clock, processor = (statistics.median(column) for column in zip(*taken, strict=True))
    return clock, processor, count


def _milliseconds(work: Callable[[], None]) -> tuple[float, float]:
    began = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - began[0]) * 1000, (time.process_time() - began[1]) * 1000
