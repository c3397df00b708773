"""What is sent to the API: fields that it knows, choices whose refusal names them, records of the clinic."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from uuid import UUID

from django.db.models import Model
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from classifier.api.actor import actor_of
from classifier.presentation import wording
from classifier.selectors.records import find_lesion, find_patient
from classifier.selectors.visits import find_examination, find_visit
from skinsite.accounts.actors import Actor


class VisibleField(serializers.UUIDField):
    """The identifier of a record of the actor's clinic; another clinic's does not exist."""

    unknown: Promise | str
    find: Callable[[Actor, UUID], Model | None]

    def to_internal_value(self, data: Any) -> Any:
        """Find the record."""
        identifier: UUID = super().to_internal_value(data)
        found = self.find(actor_of(self.context["request"]), identifier)
        if found is None:
            raise serializers.ValidationError(str(self.unknown) % {"id": identifier}, code="does_not_exist")
        return found


class VisibleLesionField(VisibleField):
    """A lesion of the actor's clinic."""

    unknown = _("There is no lesion %(id)s in your clinic.")
    find = staticmethod(find_lesion)


class VisibleVisitField(VisibleField):
    """A visit of the actor's clinic."""

    unknown = _("There is no visit %(id)s in your clinic.")
    find = staticmethod(find_visit)


class VisibleExaminationField(VisibleField):
    """An examination of the actor's clinic."""

    unknown = _("There is no examination %(id)s in your clinic.")
    find = staticmethod(find_examination)


class VisiblePatientField(VisibleField):
    """A patient of the actor's clinic."""

    unknown = _("There is no patient %(id)s in your clinic.")
    find = staticmethod(find_patient)


class NamedChoiceField(serializers.ChoiceField):
    """A choice whose refusal names the choices."""

    def fail(self, key: str, **values: Any) -> NoReturn:
        """Say what may be sent."""
        if key == "invalid_choice":
            message = wording.unknown_choice_text(str(values["input"]), map(str, self.choices))
            raise serializers.ValidationError(message, code=key)
        super().fail(key, **values)


class NamedChoicesField(NamedChoiceField, serializers.MultipleChoiceField):
    """Any number of choices, sent as a field repeated."""


class KnownFields(serializers.Serializer[Any]):
    """Fields, and no others."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse a field that there is not, or one sent twice: it would be dropped in silence."""
        known = ", ".join(self.fields)
        wrong = {
            name: serializers.ErrorDetail(
                gettext("There is no such field. Known ones: %(names)s.") % {"names": known}, code="unknown_field"
            )
            for name in (data if isinstance(data, Mapping) else ())  # anything else is refused as no object
            if name not in self.fields
        } | {
            name: serializers.ErrorDetail(gettext("Send this field once."), code="repeated_field")
            for name, values in (data.lists() if isinstance(data, QueryDict) else ())  # an empty request has no form
            if name in self.fields and len(values) > 1 and not isinstance(self.fields[name], NamedChoicesField)
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)
