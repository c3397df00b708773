"""Readings: what a model made of a photograph, kept unchanged with all that produced it."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.image import DECLARED_LENGTH, LesionImage, Modality, split_declared
from classifier.models.model_version import ModelVersion
from ml.taxonomy import DECISIONS
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

HEAT_MAPS = "heat-maps"


def name_heat_map(public_id: uuid.UUID) -> str:
    """Give the storage name of the heat-map of the reading of this id."""
    return f"{HEAT_MAPS}/{public_id}.png"


class Status(models.TextChoices):
    """How far a reading is. It moves one way, each step a conditional UPDATE from the step before."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


WAITING = (Status.QUEUED, Status.RUNNING)
"""Readings that are not finished."""


class Outcome(models.TextChoices):
    """What a finished reading says. There is no all-clear."""

    LOW_RISK = "low_risk", _("Low risk")
    SUSPICIOUS = "suspicious", _("Suspicious")
    REFER_UNCERTAIN = "refer_uncertain", _("Refer: uncertain")
    NOT_ASSESSABLE = "not_assessable", _("Not assessable")


class Standing(models.TextChoices):
    """Whether a reading counts: what does not is never shown, or counted, like one that does."""

    VALID = "valid", _("Valid")
    SUPERSEDED = "superseded", _("Superseded by a later reading")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


# What each status says about the fields; the database holds every row to it.
NOT_FINISHED = Q(
    outcome=None,
    reason="",
    finished_at=None,
    logits__isnull=True,
    probabilities__isnull=True,
    malignant_probability=None,
    failure="",
)
PRODUCED = Q(
    model_version__isnull=False,
    started_at__isnull=False,
    logits__isnull=False,
    probabilities__isnull=False,
    balanced_scores__isnull=False,
    malignant_probability__gte=0,
    malignant_probability__lte=1,
    thresholds__isnull=False,
) & ~Q(bundle_sha256="")
NOT_RUN = Q(
    outcome=Outcome.NOT_ASSESSABLE,
    modality=Modality.CLINICAL,
    model_version=None,
    logits__isnull=True,
    probabilities__isnull=True,
    malignant_probability=None,
)
IMPLIED = (
    (Q(status=Status.QUEUED) & NOT_FINISHED & Q(model_version=None))
    | (Q(status=Status.RUNNING, model_version__isnull=False, started_at__isnull=False, attempts__gte=1) & NOT_FINISHED)
    | (
        Q(status=Status.DONE, finished_at__isnull=False, outcome__isnull=False, failure="")
        & ~Q(reason="")
        & (PRODUCED | NOT_RUN)
    )
    | (Q(status=Status.FAILED, finished_at__isnull=False, outcome=None, probabilities__isnull=True) & ~Q(failure=""))
)


class PredictionQuerySet(models.QuerySet["Prediction"]):
    """Readings, by who may see them and what waits."""

    def visible_to(self, actor: Actor) -> Self:
        """Readings of the photographs of the actor's clinic."""
        return (
            self.filter(image__examination__lesion__patient__clinic=actor.clinic_id)
            if may_see_records(actor)
            else self.none()
        )

    def as_known(self, image: LesionImage) -> Self:
        """Readings of a photograph as what it is known to be now: its modality, and what is declared of the lesion."""
        return self.filter(image=image, modality=image.modality, declared=image.declared)

    def with_successor(self) -> Self:
        """Annotated with ``superseded_by``: the public id of the reading that counts instead, or null."""
        as_this_one = Q(modality=OuterRef("modality"), declared=OuterRef("declared"))
        # One that failed, or is not there yet, takes the place of none that is done.
        replaces = Q(pk__gt=OuterRef("pk")) & (Q(status=Status.DONE) | ~Q(outer_status=Status.DONE))
        successors = (
            Prediction.objects.filter(
                image=OuterRef("image"), modality=OuterRef("image__modality"), declared=OuterRef("image__declared")
            )
            .annotate(outer_status=ExpressionWrapper(OuterRef("status"), output_field=models.CharField()))
            # Or the photograph has been corrected: then the one that goes by what is right.
            .filter(replaces | ~as_this_one)
            .order_by("-pk")
        )
        return self.annotate(superseded_by=Subquery(successors.values("public_id")[:1]))

    def open_of(self, examination: int | OuterRef) -> Self:
        """Readings of an examination's photographs that are not finished, as what these are known to be."""
        return self.filter(
            image__examination=examination,
            image__entered_in_error_at=None,
            status__in=WAITING,
            modality=F("image__modality"),
            declared=F("image__declared"),
        )

    def with_examination_waiting(self) -> Self:
        """Each with ``examination_waits``: whether a photograph of its examination is still to be read."""
        waiting = Prediction.objects.open_of(OuterRef("image__examination"))
        return self.annotate(examination_waits=Exists(waiting))

    def standing(self, standing: str) -> Self:
        """Those of one ``Standing``; call after ``with_successor``."""
        in_use = self.filter(image__entered_in_error_at=None)
        if standing == Standing.ENTERED_IN_ERROR:
            return self.exclude(image__entered_in_error_at=None)
        return in_use.filter(superseded_by__isnull=standing == Standing.VALID)


class Prediction(models.Model):
    """One reading of one photograph.

    ``modality`` and ``declared`` are the photograph's when the reading was asked for. ``logits`` are (views, 7),
    ``probabilities`` and ``balanced_scores`` seven numbers in the order of ``classes``; whether anybody is told them is
    ``shows_probabilities``. ``prediction_set`` are class codes, ``measures`` numbers by name, ``similar_cases`` what
    ``ml.serve.similar_cases.SimilarCase`` holds, ``signature`` what tells photographs of one lesion from another's, as
    in ``ml.serve.interpretation.Reading``; each is null where the model gives none. After ``done`` or ``failed``
    a database trigger refuses every UPDATE.
    """

    audit_subject = "image__examination__lesion__patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    image = models.ForeignKey(LesionImage, on_delete=models.CASCADE, related_name="predictions")
    modality = models.CharField(_("modality"), max_length=20, choices=Modality)
    declared = models.CharField(
        _("special site or state"), max_length=DECLARED_LENGTH, blank=True, default="", db_default=""
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    requested_by_service = models.ForeignKey(
        "accounts.ServiceAccount", null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("requested"), default=timezone.now, editable=False, db_index=True)

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    waiting_for = models.CharField(_("waiting for"), max_length=40, blank=True)
    submitted_at = models.DateTimeField(_("handed to a worker"), null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    failure = models.CharField(_("failure"), max_length=500, blank=True)

    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, null=True, blank=True)  # noqa: DJ001 null until done
    reason = models.CharField(_("reason"), max_length=60, blank=True)
    flags = models.JSONField(_("flags"), default=list, blank=True)
    malignant_probability = models.FloatField(_("malignant sum"), null=True, blank=True)
    probabilities = models.JSONField(_("probabilities"), null=True, blank=True)
    balanced_scores = models.JSONField(_("balanced scores"), null=True, blank=True)
    logits = models.JSONField(_("logits"), null=True, blank=True)
    classes = models.JSONField(_("classes"), null=True, blank=True)
    thresholds = models.JSONField(_("thresholds in force"), null=True, blank=True)
    prediction_set = models.JSONField(_("prediction set"), null=True, blank=True)
    measures = models.JSONField(_("measures of the photograph"), null=True, blank=True)
    similar_cases = models.JSONField(_("similar cases"), null=True, blank=True)
    signature = models.JSONField(null=True, blank=True)

    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="predictions"
    )
    bundle_sha256 = models.CharField(_("bundle hash"), max_length=64, blank=True)
    preprocessing_version = models.CharField(_("preprocessing"), max_length=20, blank=True)
    runtime = models.CharField(_("runtime"), max_length=60, blank=True)
    stored_sha256 = models.CharField(_("image hash"), max_length=64)
    milliseconds = models.JSONField(_("milliseconds"), null=True, blank=True)

    superseded_by: uuid.UUID | None  # for those of `with_successor` alone
    examination_waits: bool  # for those of `with_examination_waiting` alone

    objects = PredictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        constraints = [
            models.UniqueConstraint(
                fields=["image", "model_version", "modality", "declared"],
                # A failed reading does not stand in the way of the next try.
                condition=Q(model_version__isnull=False) & ~Q(status="failed"),
                name="prediction_once_per_model",
            ),
            models.UniqueConstraint(
                fields=["image", "modality", "declared"],
                condition=Q(status__in=["queued", "running"]),
                name="prediction_once_open",
            ),
            models.UniqueConstraint(
                fields=["image", "modality", "declared"],
                condition=Q(status="done", model_version=None),
                name="prediction_once_not_run",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="prediction_status_known"),
            models.CheckConstraint(
                condition=Q(outcome=None) | Q(outcome__in=Outcome.values), name="prediction_outcome_known"
            ),
            models.CheckConstraint(condition=Q(modality__in=Modality.values), name="prediction_modality_known"),
            models.CheckConstraint(condition=IMPLIED, name="prediction_status_implies_fields"),
        ]
        indexes = [
            # The history page and the API's list: newest first.
            models.Index(fields=["-created_at", "-id"], name="prediction_newest"),
            # process_queue: what waits.
            models.Index(fields=["status"], condition=Q(status__in=["queued", "running"]), name="prediction_waiting"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def shows_probabilities(self) -> bool:
        """Whether the probabilities are told: where the photograph was not read, the reason stands alone."""
        return self.probabilities is not None and self.reason in DECISIONS

    @property
    def shows_heat_map(self) -> bool:
        """Whether there is a heat-map: of a reading whose probabilities are told, by a network that gives one."""
        model = self.model_version
        return self.shows_probabilities and model is not None and bool(model.manifest.get("heat_map", True))

    @property
    def heat_map_name(self) -> str:
        """The storage name of the heat-map, once it has been asked for."""
        return name_heat_map(self.public_id)

    @property
    def lesion_measures(self) -> dict[str, float] | None:
        """``area``, ``at_edge`` and ``asymmetry`` of the lesion's mask; None where there is none, or it is not told.

        A model without a mask may still estimate area and edge, for the flags; asymmetry comes of a mask alone.
        """
        measures = self.measures or {}
        if "lesion_asymmetry" not in measures or not self.shows_probabilities:
            return None
        return {name: measures[f"lesion_{name}"] for name in ("area", "at_edge", "asymmetry")}

    @property
    def declared_codes(self) -> list[str]:
        """What was declared of the lesion, as codes of ``Declared``."""
        return split_declared(self.declared)

    @property
    def is_as_known(self) -> bool:
        """Whether it was read as what its photograph is known to be now; the rule of ``as_known`` for one at hand."""
        return (self.modality, self.declared) == (self.image.modality, self.image.declared)

    @property
    def successor(self) -> "Prediction | None":
        """The reading of the same photograph that counts instead; the rule of ``with_successor`` for one at hand.

        No query where the photograph's readings are at hand.
        """
        fitting = [each for each in self.image.predictions.all() if each.is_as_known]
        if self.is_as_known:
            fitting = [
                each
                for each in fitting
                if each.pk > self.pk and (each.status == Status.DONE or self.status != Status.DONE)
            ]
        return max(fitting, key=lambda each: each.pk, default=None)

    @property
    def standing(self) -> Standing:
        """Whether it counts; no query for one of ``with_successor``."""
        if self.image.entered_in_error_at is not None:
            return Standing.ENTERED_IN_ERROR
        is_annotated = "superseded_by" in self.__dict__
        replaced = self.__dict__["superseded_by"] if is_annotated else self.successor
        return Standing.VALID if replaced is None else Standing.SUPERSEDED

    @property
    def is_valid(self) -> bool:
        """Whether it counts."""
        return self.standing == Standing.VALID
