"""`doctor` on a site that lacks nothing."""

from io import StringIO

from django.core.management import call_command

from classifier.models import ModelVersion


def test_a_sound_site_passes_with_exit_code_0(active_model: ModelVersion) -> None:
    out = StringIO()
    call_command("doctor", stdout=out, no_color=True)
    lines = out.getvalue().splitlines()
    assert [line for line in lines if not line.startswith("ok")] == []
    assert any(str(active_model) in line for line in lines)
