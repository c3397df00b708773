"""What a clinic has said of its practice."""

from classifier.models import ClinicPractice
from skinsite.accounts.actors import Actor


def practice_of(actor: Actor) -> ClinicPractice:
    """What the actor's clinic says; the defaults, not saved, where it has said nothing."""
    return ClinicPractice.objects.visible_to(actor).first() or ClinicPractice(clinic=actor.clinic)
