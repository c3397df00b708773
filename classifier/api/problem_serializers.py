"""How the description of the API lays out problems."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class FieldErrorSerializer(serializers.Serializer[Any]):
    """One thing that was wrong."""

    field = serializers.CharField(allow_null=True, help_text=_("The field, or null where it is the whole request."))
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error as RFC 9457 lays it out."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment] # a field of that name, as RFC 9457's examples have
    request_id = serializers.CharField(help_text=_("What the log knows the request by; also in `X-Request-ID`."))


class DuplicateLinksSerializer(serializers.Serializer[Any]):
    """Where the same photograph is kept."""

    lesion = serializers.URLField()
    image = serializers.URLField()


class DuplicateProblemSerializer(ProblemSerializer):
    """The same photograph lies under another lesion."""

    lesion = serializers.UUIDField()
    links = DuplicateLinksSerializer()
