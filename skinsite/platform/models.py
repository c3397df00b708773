"""Counts of what is limited, where no shared cache keeps them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RateCount(models.Model):
    """How often something was done in the window that ends at ``ends``, by the database's clock.

    ``key`` is a keyed hash: nobody reads an address or an account out of the table. Only
    ``skinsite.platform.rate_limits`` writes, each time with one statement.
    """

    key = models.CharField(_("key"), max_length=64, primary_key=True)
    used = models.PositiveBigIntegerField(_("used"))
    ends = models.BigIntegerField(_("end of the window"), db_index=True, help_text=_("Milliseconds since 1970."))

    class Meta:
        verbose_name = _("count")
        verbose_name_plural = _("counts")

    def __str__(self) -> str:
        return self.key
