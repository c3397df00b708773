"""What resources of the API share: their identifier, their links, times in UTC, and codes with their texts."""

from datetime import UTC, tzinfo
from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.reverse import reverse


class CodedTextSerializer(serializers.Serializer[Any]):
    """A code for machines and its text for people, in the language of the request."""

    code = serializers.CharField()
    text = serializers.CharField()


class UtcDateTimeField(serializers.DateTimeField):
    """A time in UTC, whatever the zone of whoever asks."""

    def default_timezone(self) -> tzinfo:
        """UTC."""
        return UTC


class LinkedSerializer(serializers.ModelSerializer[Any]):
    """A resource with its identifier and its links."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: UtcDateTimeField,
    }

    id = serializers.UUIDField(source="public_id", read_only=True)

    def link(self, name: str, *arguments: object, query: dict[str, object] | None = None) -> str:
        """The whole address of a named place."""
        address = str(reverse(name, args=arguments, request=self.context.get("request")))
        return address + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")
