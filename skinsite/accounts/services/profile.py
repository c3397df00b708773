"""What a person says of themself: the name, and in which language, colours and time zone they work."""

from collections.abc import Collection

from django.db import transaction

from skinsite.accounts import audit
from skinsite.accounts.models import User
from skinsite.accounts.names import clean_person_name
from skinsite.accounts.selectors import clinics_of

PREFERENCES = ("language", "theme", "time_zone")


def change_profile(*, person: User, name: str, language: str, theme: str, time_zone: str) -> User:
    """Set one's own name and preferences; empty preferences leave it to the browser, and the zone to the clinic.

    Raises ``ValidationError`` by field, also for a name that a colleague has.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=person.pk)
        if name.strip() != user.name:
            before, user.name = user.name, clean_person_name(name, clinics=clinics_of(user), person=user)
            _save_only(user, ["name"])
            audit.user_renamed(about=user, before=before, after=user.name)
        if time_zone != user.time_zone:
            zone_before, user.time_zone = user.time_zone, time_zone
            _save_only(user, ["time_zone"])
            audit.user_time_zone_set(about=user, before=zone_before, after=time_zone)
        wanted = {"language": language, "theme": theme}
        changed = {field: value for field, value in wanted.items() if getattr(user, field) != value}
        if changed:
            for field, value in changed.items():
                setattr(user, field, value)
            _save_only(user, changed)
            audit.user_preferences_set(about=user, changed=changed)
    return user


def _save_only(user: User, fields: Collection[str]) -> None:
    """Check and save the fields that are set: what another one keeps may be wrong here, as a zone of a newer list.

    Raises ``ValidationError`` by field.
    """
    user.clean_fields(exclude={each.name for each in User._meta.get_fields()} - set(fields))
    user.save(update_fields=fields)
