"""Signs of life of processes that nobody asks for anything."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

CLOCK = "clock"


class Heartbeat(models.Model):
    """When a process, by its ``name``, was last known to run, by the database's clock."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    at = models.DateTimeField(_("time"), db_default=Now())

    class Meta:
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")

    def __str__(self) -> str:
        return self.name


def note_heartbeat(name: str) -> None:
    """Note that a process runs now."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": Now()})
