"""What an administrator sets on the clinic page."""

from django.urls import reverse

from skinsite.accounts.models import Clinic, Membership
from skinsite.audit.models import AuditEvent
from tests.skinsite.conftest import SignIn


def test_an_administrator_renames_the_clinic_and_nobody_else_does(
    administrator: Membership, owner: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    client = sign_in(administrator)
    page = client.post(reverse("clinic-rename"), {"name": "  Skin   centre "}, follow=True).content.decode()
    assert "The clinic has its new name." in page
    assert Clinic.objects.get(pk=administrator.clinic_id).name == "Skin centre"
    assert AuditEvent.objects.get(action="clinic.renamed").details["after"] == "Skin centre"
    taken = client.post(reverse("clinic-rename"), {"name": stranger.clinic.name.upper()})
    assert taken.status_code == 422
    assert "There is a clinic of this name already" in taken.content.decode()
    assert client.post(reverse("clinic-rename"), {"name": " "}).status_code == 422
    assert sign_in(owner).post(reverse("clinic-rename"), {"name": "Mine"}).status_code == 403
    assert Clinic.objects.get(pk=administrator.clinic_id).name == "Skin centre"
