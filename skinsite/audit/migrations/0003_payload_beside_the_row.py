"""What an event says goes into a table beside its row, and the records that it gave out into another.

The version before goes on writing while the database is migrated: the column of details stays in the table, with a
default, and out of the models; a later release drops it.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import JSONField, Value


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_services")]

    operations = [
        migrations.AlterField(
            "auditevent", "details", JSONField("details", default=dict, db_default=Value({}, JSONField()), blank=True)
        ),
        migrations.AddField(
            "auditevent",
            "payload_sha256",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("auditevent", "details")]),
        migrations.CreateModel(
            name="AuditPayload",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="payload",
                        serialize=False,
                        to="audit.auditevent",
                    ),
                ),
                ("salt", models.CharField(editable=False, max_length=32)),
                ("details", models.TextField(verbose_name="details")),
            ],
            options={"verbose_name": "details of an event", "verbose_name_plural": "details of events"},
        ),
        migrations.CreateModel(
            name="AuditSubject",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "event_id",
                        "record_type",
                        "record_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("record_type", models.CharField(max_length=60)),
                ("record_id", models.CharField(max_length=64)),
                (
                    "event",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subjects",
                        to="audit.auditevent",
                    ),
                ),
            ],
            options={
                "verbose_name": "record of an event",
                "verbose_name_plural": "records of events",
                "indexes": [
                    models.Index(fields=["record_id", "record_type", "event"], name="audit_subject_record")
                ],
            },
        ),
    ]
