"""What a person says of themself: the name, and in which language, colours and time zone they work."""

from django.db import transaction

from skinsite.accounts import audit
from skinsite.accounts.models import Clinic, User
from skinsite.accounts.names import clean_person_name

PREFERENCES = ("language", "theme", "time_zone")


def change_profile(*, person: User, name: str, language: str, theme: str, time_zone: str) -> User:
    """Set one's own name and preferences; empty preferences leave it to the browser, and the zone to the clinic.

    Raises ``ValidationError`` by field, also for a name that a colleague has.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=person.pk)
        if name.strip() != user.name:
            before, user.name = user.name, clean_person_name(name, clinics=_clinics_of(user), person=user)
            user.save(update_fields=["name"])
            audit.user_renamed(about=user, before=before, after=user.name)
        wanted = {"language": language, "theme": theme, "time_zone": time_zone}
        changed = [field for field in PREFERENCES if getattr(user, field) != wanted[field]]
        if changed:
            for field in changed:
                setattr(user, field, wanted[field])
            _clean_only(user, changed)
            user.save(update_fields=changed)
            audit.user_preferences_set(about=user, changed={field: wanted[field] for field in changed})
    return user


def _clinics_of(user: User) -> list[Clinic]:
    return list(Clinic.objects.filter(memberships__user=user))


def _clean_only(user: User, fields: list[str]) -> None:
    """Check the fields that are set: what another one has kept may be wrong here, such as a zone of a newer list.

    Raises ``ValidationError`` by field.
    """
    user.clean_fields(exclude={each.name for each in User._meta.get_fields()} - set(fields))
