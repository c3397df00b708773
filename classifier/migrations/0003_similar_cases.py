from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('classifier', '0002_prediction_sets'),
    ]

    operations = [
        migrations.AddField(
            model_name='prediction',
            name='similar_cases',
            field=models.JSONField(blank=True, null=True, verbose_name='similar cases'),
        ),
    ]
