"""The share of malignant lesions is no matter of accounts: it has gone to the application that knows lesions."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_time_zones")]

    operations = [
        migrations.RemoveConstraint("clinic", "clinic_malignant_percent_in_range"),
        migrations.RemoveField("clinic", "malignant_percent"),
    ]
