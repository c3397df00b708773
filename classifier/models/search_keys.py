"""Keys that text is searched by."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, models, transaction

from skinsite.text import clean_line, fold_line

ROWS = 500


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


def write_missing_keys(model: Any, source: str, key: str, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Clean the text and write the key of rows that have a text and no key: those of a version that knew none."""
    lengths = {name: model._meta.get_field(name).max_length for name in (source, key)}
    # Taken in steps, so that whoever writes meanwhile waits a moment for a few of them, and no word is overwritten.
    lacking = model.objects.using(using).filter(**{key: ""}).exclude(**{source: ""}).order_by("pk")
    last: int | None = 0
    while last is not None:
        last = _write_some(lacking.filter(pk__gt=last), source, key, lengths)


def _write_some(lacking: "models.QuerySet[Any]", source: str, key: str, lengths: dict[str, int]) -> int | None:
    """Write the first of them; the last one's primary key, if there was any."""
    with transaction.atomic(using=lacking.db):
        rows = list(lacking.select_for_update().only(source, key)[:ROWS])
        for row in rows:
            # Composing a text can lengthen it, too.
            text = clean_line(getattr(row, source))[: lengths[source]]
            setattr(row, source, text)
            setattr(row, key, fold_line(text)[: lengths[key]])
        lacking.bulk_update(rows, [source, key])
    return rows[-1].pk if rows else None
