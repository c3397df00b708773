"""Keys that text is searched by."""

from typing import Any

from django.db import models

from skinsite.text import fold_line


class FoldedField(models.CharField):  # type: ignore[type-arg] # generic only in the stubs
    """The key of the text in another field of the row, written whenever the row is saved.

    Databases fold the case of some alphabets only, and none knows the many forms of one letter or hyphen.
    """

    def __init__(self, *, source: str = "", **options: Any) -> None:
        self.source = source
        settled: dict[str, Any] = {"blank": True, "default": "", "db_default": "", "editable": False}
        super().__init__(**(settled | options))

    def deconstruct(self) -> Any:
        """What a migration writes down."""
        name, path, arguments, options = super().deconstruct()
        return name, path, arguments, options | {"source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: ARG002, FBT001 Django's signature
        """Fold the source anew."""
        key = fold_line(getattr(model_instance, self.source))[: self.max_length]
        setattr(model_instance, self.attname, key)
        return key
