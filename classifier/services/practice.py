"""What a clinic says of the lesions that it photographs."""

from decimal import Decimal

from django.db import transaction

from classifier import audit
from classifier.models import ClinicPractice
from classifier.services.locks import lock_clinic
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import require_may_manage_clinic


def set_malignant_percent(*, actor: Actor, malignant_percent: Decimal) -> ClinicPractice:
    """Say how many of a hundred lesions of the actor's clinic are malignant.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` by field, outside
    0.1 to 50 per cent.
    """
    require_may_manage_clinic(actor, actor.clinic)
    with transaction.atomic():
        clinic = actor.clinic
        lock_clinic(clinic)
        practice = ClinicPractice.objects.filter(clinic=clinic).first() or ClinicPractice(clinic=clinic)
        before, practice.malignant_percent = practice.malignant_percent, malignant_percent
        if before == malignant_percent:
            return practice
        practice.clean_fields()
        practice.save()
        audit.clinic_malignant_percent_set(actor=actor, about=clinic, before=str(before), after=str(malignant_percent))
        return practice
