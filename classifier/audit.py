"""What the audit trail tells of patients, lesions, visits, photographs, readings, reviews and models."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from classifier.audit_entries import Filters, change_entry, listing_entry, read_entry
from classifier.models import (
    Examination,
    Lesion,
    LesionImage,
    LesionReading,
    ModelVersion,
    Patient,
    Prediction,
    Review,
    Task,
    Visit,
)
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic, User
from skinsite.audit import words
from skinsite.audit.events import Entry, access, change, refusal

words.DETAILS.update(
    {
        "searched": _("searched for, as a keyed hash"),
        "because": _("reason"),
        "bundle_sha256": _("checksum"),
        "bytes": _("bytes"),
        "code": _("reason"),
        "upload_sha256": _("checksum"),
        "diagnosis": _("diagnosis"),
        "doubts": _("doubts"),
        "modality": _("modality"),
        "merged": _("merged"),
        "into": _("into"),
        "kind": _("task"),
    }
)
words.BRIEF |= dict.fromkeys(("bundle_sha256", "upload_sha256"), lambda checksum: f"{checksum[:12]}…")
words.RECORDS.update({"photographs": _("photographs shown small")})  # of events before their records had a table

words.VALUES.update(
    {
        "code": _("a code that was typed"),
        "corrections": _("the corrections of a photograph"),
        "duplicate": _("a photograph sent again"),
        "form": _("a form"),
        "image": _("photograph"),
        "outcome": _("outcome"),
        "patient_code": _("patient code"),
        "reviewed": _("review"),
        "standing": _("readings that do not count"),
        "tasks": _("one's tasks"),
        "upload": _("a photograph sent again"),
    }
)


@change("clinic.malignant_percent_set", pgettext_lazy("what was done", "share of malignant lesions set"), of=Clinic)
def clinic_malignant_percent_set(*, actor: Actor, about: Clinic, before: str, after: str) -> Entry:
    """A clinic's administrator said how many of a hundred lesions are malignant."""
    return Entry(actor, about, {"before": before, "after": after})


@change("patient.created", pgettext_lazy("what was done", "created"), of=Patient)
def patient_created(*, actor: Actor, about: Patient) -> Entry:
    """A patient was added."""
    return change_entry(actor, about)


@change("patient.updated", pgettext_lazy("what was done", "changed"), of=Patient)
def patient_updated(*, actor: Actor, about: Patient, changed: Sequence[str]) -> Entry:
    """These fields of a patient changed; what stood in them is not kept, since the trail is never cleared."""
    return change_entry(actor, about, {"changed": list(changed)})


@change("patient.merged", pgettext_lazy("what was done", "another patient merged into them"), of=Patient)
def patient_merged(*, actor: Actor, about: Patient, merged: Patient) -> Entry:
    """Two codes were of one person: what was of ``merged`` is of this one."""
    return change_entry(actor, about, {"merged": str(merged.public_id)}, also=[merged])


@change("patient.merge_undone", pgettext_lazy("what was done", "merge undone"), of=Patient)
def patient_merge_undone(*, actor: Actor, about: Patient, merged: Patient) -> Entry:
    """Two patients were two after all: what the merge moved went back."""
    return change_entry(actor, about, {"merged": str(merged.public_id)}, also=[merged])


@access("patient.viewed", pgettext_lazy("what was done", "viewed"), of=Patient)
def patient_viewed(
    *,
    actor: Actor,
    about: Patient,
    by: str = "",
    photographs: Iterable[LesionImage] = (),
    also: Iterable[Patient] = (),
) -> Entry:
    """A patient's record was looked at, with these photographs small; its page names these others ``also``."""
    return read_entry(actor, about, by=by, photographs=photographs, also=also)


@access("patient.listed", pgettext_lazy("what was done", "list viewed"), of=Patient)
def patients_listed(*, actor: Actor, shown: Iterable[Patient], filters: Filters = (), by: str = "") -> Entry:
    """A list of patients was given out, or named by a warning."""
    return listing_entry(actor, shown, filters, by=by)


@change("lesion.created", pgettext_lazy("what was done", "created"), of=Lesion)
def lesion_created(*, actor: Actor, about: Lesion) -> Entry:
    """A lesion was added."""
    return change_entry(actor, about)


@change("lesion.updated", pgettext_lazy("what was done", "changed"), of=Lesion)
def lesion_updated(*, actor: Actor, about: Lesion, changed: Sequence[str]) -> Entry:
    """These fields of a lesion changed."""
    return change_entry(actor, about, {"changed": list(changed)})


@access("lesion.viewed", pgettext_lazy("what was done", "viewed"), of=Lesion)
def lesion_viewed(*, actor: Actor, about: Lesion, by: str = "", photographs: Iterable[LesionImage] = ()) -> Entry:
    """A lesion's record was looked at, with these photographs small."""
    return read_entry(actor, about, by=by, photographs=photographs)


@access("lesion.listed", pgettext_lazy("what was done", "list viewed"), of=Lesion)
def lesions_listed(*, actor: Actor, shown: Iterable[Lesion], filters: Filters = (), by: str = "") -> Entry:
    """A list of lesions was given out, or named on another record's page."""
    return listing_entry(actor, shown, filters, by=by)


@change("lesion.merged", pgettext_lazy("what was done", "another lesion merged into it"), of=Lesion)
def lesion_merged(*, actor: Actor, about: Lesion, merged: Lesion) -> Entry:
    """Two lesions of a patient were one: what was of ``merged`` is of this one."""
    return change_entry(actor, about, {"merged": str(merged.public_id)}, also=[merged])


@change("lesion.merge_undone", pgettext_lazy("what was done", "merge undone"), of=Lesion)
def lesion_merge_undone(*, actor: Actor, about: Lesion, merged: Lesion) -> Entry:
    """Two lesions were two after all: what the merge moved went back."""
    return change_entry(actor, about, {"merged": str(merged.public_id)}, also=[merged])


@change("lesion.split", pgettext_lazy("what was done", "split"), of=Lesion)
def lesion_split(*, actor: Actor, about: Lesion, into: Lesion) -> Entry:
    """Some of a lesion's photographs were of another one, which is new."""
    return change_entry(actor, about, {"into": str(into.public_id)}, also=[into])


@change("image.uploaded", pgettext_lazy("what was done", "uploaded"), of=LesionImage)
def image_uploaded(*, actor: Actor, about: LesionImage) -> Entry:
    """A photograph was kept."""
    return change_entry(actor, about, {"upload_sha256": about.upload_sha256})


@refusal("image.refused", pgettext_lazy("what was done", "not taken"), of=LesionImage)
def image_refused(*, actor: Actor, code: str, size: int) -> Entry:
    """An upload of so many bytes was refused, for this reason; nothing of what it shows is kept."""
    return Entry(actor, actor.clinic, {"code": code, "bytes": size})


@change("image.moved", pgettext_lazy("what was done", "moved to another lesion"), of=LesionImage)
def image_moved(*, actor: Actor, about: LesionImage, before: str, after: str, also: Iterable[Lesion] = ()) -> Entry:
    """A photograph went from one lesion, which is ``also`` touched, to another, each by its public id."""
    return change_entry(actor, about, {"before": before, "after": after}, also=also)


@change("image.modality_corrected", pgettext_lazy("what was done", "kind of photograph corrected"), of=LesionImage)
def image_modality_corrected(*, actor: Actor, about: LesionImage, before: str, after: str) -> Entry:
    """A photograph was taken in another way than was said."""
    return change_entry(actor, about, {"before": before, "after": after})


@change("image.declared_corrected", pgettext_lazy("what was done", "special site or state corrected"), of=LesionImage)
def image_declared_corrected(*, actor: Actor, about: LesionImage, before: str, after: str) -> Entry:
    """What was declared of a photograph's lesion was wrong."""
    return change_entry(actor, about, {"before": before, "after": after})


@change("image.taken_on_corrected", pgettext_lazy("what was done", "day corrected"), of=LesionImage)
def image_taken_on_corrected(*, actor: Actor, about: LesionImage, before: str, after: str) -> Entry:
    """A photograph was taken on another day than was recorded."""
    return change_entry(actor, about, {"before": before, "after": after})


@change("image.marked_entered_in_error", pgettext_lazy("what was done", "marked as entered in error"), of=LesionImage)
def image_marked_entered_in_error(*, actor: Actor, about: LesionImage, before: str, after: str) -> Entry:
    """A photograph was taken out of use for good."""
    return change_entry(actor, about, {"before": before, "after": after})


@access("image.viewed", pgettext_lazy("what was done", "viewed"), of=LesionImage)
def image_viewed(*, actor: Actor, about: LesionImage, by: str = "") -> Entry:
    """A photograph, or over the API its record, was looked at."""
    return read_entry(actor, about, by=by)


@access("image.thumbnail_viewed", pgettext_lazy("what was done", "viewed small"), of=LesionImage)
def image_thumbnail_viewed(*, actor: Actor, about: LesionImage) -> Entry:
    """A photograph was looked at small, outside of a page that names it in an event of its own."""
    return read_entry(actor, about)


@access("image.heat_map_viewed", pgettext_lazy("what was done", "heat-map viewed"), of=LesionImage)
def image_heat_map_viewed(*, actor: Actor, about: LesionImage) -> Entry:
    """Where the network looked in a photograph was looked at."""
    return read_entry(actor, about)


@change(
    "image.found_altered",
    pgettext_lazy("what was done", "found exchanged or damaged in the storage"),
    of=LesionImage,
)
def image_found_altered(*, actor: Actor | None, about: LesionImage, clinic: Clinic | None = None) -> Entry:
    """The stored bytes of a photograph are not those that were kept; without ``actor`` a command found it."""
    return change_entry(actor, about, clinic=clinic)


@access("image.listed", pgettext_lazy("what was done", "list viewed"), of=LesionImage)
def images_listed(*, actor: Actor, shown: Iterable[LesionImage], filters: Filters = ()) -> Entry:
    """A list of photographs was given out."""
    return listing_entry(actor, shown, filters)


@change("prediction.requested", pgettext_lazy("what was done", "requested"), of=Prediction)
def prediction_requested(*, actor: Actor | None, about: Prediction, clinic: Clinic) -> Entry:
    """A photograph is to be read."""
    return change_entry(actor, about, {"modality": about.modality}, clinic=clinic)


@change("prediction.finished", pgettext_lazy("what was done", "finished"), of=Prediction)
def prediction_finished(*, about: Prediction, clinic: Clinic, status: str) -> Entry:
    """The network has read a photograph."""
    return change_entry(None, about, {"status": status}, clinic=clinic)


@change("prediction.failed", pgettext_lazy("what was done", "failed"), of=Prediction)
def prediction_failed(*, about: Prediction, clinic: Clinic, status: str) -> Entry:
    """A reading ended without a result."""
    return change_entry(None, about, {"status": status}, clinic=clinic)


@access("prediction.viewed", pgettext_lazy("what was done", "viewed"), of=Prediction)
def prediction_viewed(
    *,
    actor: Actor,
    about: Prediction,
    by: str = "",
    photographs: Iterable[LesionImage] = (),
    also: Iterable[Model] = (),
) -> Entry:
    """A reading was looked at, on a page with these photographs small that names these others ``also``."""
    return read_entry(actor, about, by=by, photographs=photographs, also=also)


@access("prediction.listed", pgettext_lazy("what was done", "list viewed"), of=Prediction)
def predictions_listed(
    *,
    actor: Actor,
    shown: Iterable[Prediction],
    filters: Filters = (),
    by: str = "",
    photographs: Iterable[LesionImage] = (),
    also: Iterable[Model] = (),
) -> Entry:
    """A list of readings was given out, with these photographs small and these others ``also``."""
    return listing_entry(actor, shown, filters, by=by, photographs=photographs, also=also)


@change("visit.created", pgettext_lazy("what was done", "created"), of=Visit)
def visit_created(*, actor: Actor, about: Visit) -> Entry:
    """A visit began."""
    return change_entry(actor, about)


@change("visit.updated", pgettext_lazy("what was done", "changed"), of=Visit)
def visit_updated(*, actor: Actor, about: Visit, changed: Sequence[str]) -> Entry:
    """These fields of a visit changed."""
    return change_entry(actor, about, {"changed": list(changed)})


@access("visit.viewed", pgettext_lazy("what was done", "viewed"), of=Visit)
def visit_viewed(*, actor: Actor, about: Visit, by: str = "", also: Iterable[Model] = ()) -> Entry:
    """A visit was looked at, with these others ``also``."""
    return read_entry(actor, about, by=by, also=also)


@access("visit.listed", pgettext_lazy("what was done", "list viewed"), of=Visit)
def visits_listed(*, actor: Actor, shown: Iterable[Visit], filters: Filters = (), also: Iterable[Model] = ()) -> Entry:
    """A list of visits was given out, with these others ``also``."""
    return listing_entry(actor, shown, filters, also=also)


@change("examination.created", pgettext_lazy("what was done", "created"), of=Examination)
def examination_created(*, actor: Actor, about: Examination) -> Entry:
    """A lesion is looked at, at a visit."""
    return change_entry(actor, about)


@change("examination.updated", pgettext_lazy("what was done", "changed"), of=Examination)
def examination_updated(*, actor: Actor, about: Examination, changed: Sequence[str]) -> Entry:
    """These fields of an examination changed."""
    return change_entry(actor, about, {"changed": list(changed)})


@access("examination.viewed", pgettext_lazy("what was done", "viewed"), of=Examination)
def examination_viewed(*, actor: Actor, about: Examination, by: str = "", also: Iterable[Model] = ()) -> Entry:
    """An examination was looked at, with these others ``also``."""
    return read_entry(actor, about, by=by, also=also)


@access("examination.listed", pgettext_lazy("what was done", "list viewed"), of=Examination)
def examinations_listed(
    *, actor: Actor, shown: Iterable[Examination], filters: Filters = (), also: Iterable[Model] = ()
) -> Entry:
    """A list of examinations was given out, with these others ``also``."""
    return listing_entry(actor, shown, filters, also=also)


@change("lesion_reading.made", pgettext_lazy("what was done", "made"), of=LesionReading)
def lesion_reading_made(*, about: LesionReading, clinic: Clinic, photographs: int) -> Entry:
    """The network's readings of so many photographs of a lesion were taken together."""
    return change_entry(None, about, {"photographs": photographs}, clinic=clinic)


@access("lesion_reading.viewed", pgettext_lazy("what was done", "viewed"), of=LesionReading)
def lesion_reading_viewed(*, actor: Actor, about: LesionReading, by: str = "", also: Iterable[Model] = ()) -> Entry:
    """A lesion reading was looked at, with these others ``also``."""
    return read_entry(actor, about, by=by, also=also)


@access("lesion_reading.listed", pgettext_lazy("what was done", "list viewed"), of=LesionReading)
def lesion_readings_listed(
    *, actor: Actor, shown: Iterable[LesionReading], filters: Filters = (), also: Iterable[Model] = ()
) -> Entry:
    """A list of lesion readings was given out, with these others ``also``."""
    return listing_entry(actor, shown, filters, also=also)


@change("task.opened", pgettext_lazy("what was done", "opened"), of=Task)
def task_opened(*, actor: Actor, about: Task) -> Entry:
    """A person is to do something about a patient."""
    return change_entry(actor, about, {"kind": about.kind})


@change("task.done", pgettext_lazy("what was done", "done"), of=Task)
def task_done(*, actor: Actor, about: Task) -> Entry:
    """What a person was to do is done."""
    return change_entry(actor, about)


@change("review.added", pgettext_lazy("what was done", "added"), of=Review)
def review_added(*, actor: Actor, about: Review) -> Entry:
    """A person gave an opinion on a reading."""
    return change_entry(actor, about, {"diagnosis": about.diagnosis})


@access("review.viewed", pgettext_lazy("what was done", "viewed"), of=Review)
def review_viewed(*, actor: Actor, about: Review, by: str = "") -> Entry:
    """An opinion was looked at."""
    return read_entry(actor, about, by=by)


@access("review.listed", pgettext_lazy("what was done", "list viewed"), of=Review)
def reviews_listed(*, actor: Actor, shown: Iterable[Review], filters: Filters = ()) -> Entry:
    """A list of opinions was given out."""
    return listing_entry(actor, shown, filters)


@change("model.registered", pgettext_lazy("what was done", "registered"), of=ModelVersion)
def model_registered(*, actor: User | None, about: ModelVersion) -> Entry:
    """A bundle was copied into the model store."""
    return Entry(actor, about, {"bundle_sha256": about.bundle_sha256})


@change("model.activated", pgettext_lazy("what was done", "put into service"), of=ModelVersion)
def model_activated(*, actor: User | None, about: ModelVersion, doubts: Sequence[str], because: str) -> Entry:
    """A model reads from now on; where there were doubts, in spite of them and for this reason."""
    details: dict[str, Any] = {"doubts": list(doubts), "because": because} if doubts else {}
    return Entry(actor, about, details)
