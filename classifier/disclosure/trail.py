"""Which patient the trail is asked about: for readers of the trail, who may not see records."""

from uuid import UUID

from django.http import Http404

from classifier.models import ImageCorrection, Patient
from classifier.models.image import CorrectionKind
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Capability
from skinsite.accounts.policies import may
from skinsite.audit.models import AuditSubject
from skinsite.audit.trail import Streams
from skinsite.text import fold_line


def find_patient_of_trail(reader: Actor, *, public_id: UUID | None = None, code: str = "") -> Patient | None:
    """The clinic's patient of that id, or of that code; None for none. Raises ``Http404`` for who may not ask."""
    if not may(reader, Capability.READ_AUDIT):
        raise Http404
    patients = Patient.objects.filter(clinic=reader.clinic_id)
    if public_id is not None:
        return patients.filter(public_id=public_id).first()
    return patients.filter(code_key=fold_line(code)).first() if fold_line(code) else None


def narrow_to_patient(streams: Streams, patient: Patient) -> Streams:
    """Of a clinic's events those that gave out a patient, or a photograph before it was moved to the patient."""
    moved = ImageCorrection.objects.filter(kind=CorrectionKind.MOVED, image__examination__lesion__patient=patient)
    ids = [str(patient.public_id), *map(str, moved.values_list("image__public_id", flat=True))]
    about = AuditSubject.objects.filter(record_id__in=ids).values("event")
    return [stream.filter(pk__in=about) for stream in streams]
