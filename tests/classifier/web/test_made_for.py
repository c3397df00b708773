"""A form says for which clinic it was made: for another than the acting one nothing is written, and nothing is lost."""

import re
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver, reverse

from classifier.models import LesionImage, ModelVersion, Patient, Prediction
from skinsite.accounts.models import Membership, Role
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.web.conftest import ClientFor
from tests.classifier.web.routes import all_routes
from tests.skinsite.conftest import acting
from tests.skinsite.test_urls import ALL
from tests.test_house_rules import guard_of, routes

CODE = "IVANOV-OF-CLINIC-A-77"
MEMBERS = {"member_required", "administrator_required"}


@pytest.fixture
def both(owner: Membership) -> tuple[Membership, Membership]:
    """One person in two clinics, administrator of both."""
    first = factories.MembershipFactory.create(user=owner.user, role=Role.ADMINISTRATOR)
    Membership.objects.filter(pk=owner.pk).update(role=Role.ADMINISTRATOR)
    owner.refresh_from_db()
    return owner, first


@pytest.fixture
def tab(both: tuple[Membership, Membership]) -> Client:
    """A browser of theirs without scripts, in which nothing is carried but what a form says."""
    client = Client()
    client.force_login(both[0].user)
    return client


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the last form of a page that writes."""
    forms = re.findall(r"<form[^>]*post.*?</form>", page, re.DOTALL)
    return dict(re.findall(r'type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', forms[-1]))


def switch(tab: Client, membership: Membership) -> None:
    assert tab.post(reverse("clinic-switch"), {"clinic": membership.clinic.public_id}).status_code == 302


@pytest.mark.parametrize("name", ["patient-create", "upload"])
def test_a_form_of_one_clinic_writes_nothing_into_another(
    name: str, tab: Client, both: tuple[Membership, Membership]
) -> None:
    first, second = both
    page = tab.get(reverse(name)).content.decode()
    typed = {"code": CODE, "patient_code": CODE, "new_patient": "on", "sex": "female", "birth_year": "1961"}
    switch(tab, second)
    before = list(AuditEvent.objects.values_list("pk", flat=True))
    response = tab.post(reverse(name), {"made_for": made_for(page)} | typed)
    answer = response.content.decode()
    assert response.status_code == 409
    assert f"You now work in {second.clinic}" in answer
    assert f"made for {first.clinic}" in answer
    for kept in (CODE, "1961", "Female", "Year of birth"):
        assert kept in answer
    assert not Patient.objects.exists()
    told = AuditEvent.objects.exclude(pk__in=before).get()
    assert (told.action, told.clinic, told.details["status"]) == ("request.refused", second.clinic, 409)
    assert acting(tab.get(reverse("home"))) == second


def made_for(page: str) -> str:
    found: set[str] = set(re.findall(r'name="made_for"\s+value="([^"]+)"', page))
    assert len(found) == 1
    return found.pop()


def test_the_answer_goes_back_to_the_clinic_and_sends_the_form_once_more(
    tab: Client, both: tuple[Membership, Membership]
) -> None:
    first, second = both
    page = tab.get(reverse("patient-create")).content.decode()
    switch(tab, second)
    said = {"made_for": made_for(page), "code": CODE, "sex": "female"}
    answer = tab.post(reverse("patient-create"), said).content.decode()
    response = tab.post(reverse("patient-create"), form_of(answer))
    assert response.status_code == 302
    assert Patient.objects.get().clinic == first.clinic
    assert acting(tab.get(reverse("home"))) == first
    assert list(AuditEvent.objects.filter(action="clinic.switched_to").values_list("clinic", flat=True)) == [
        first.clinic_id,
        second.clinic_id,
    ]


def test_files_are_named_and_not_kept(tab: Client, both: tuple[Membership, Membership], photograph: bytes) -> None:
    page = tab.get(reverse("upload")).content.decode()
    switch(tab, both[1])
    file = SimpleUploadedFile("mole-17.jpg", photograph, "image/jpeg")
    response = tab.post(reverse("upload"), {"made_for": made_for(page), "image": file, "patient_code": CODE})
    assert response.status_code == 409
    assert "mole-17.jpg" in response.content.decode()
    assert "Files are not kept" in response.content.decode()
    assert not LesionImage.objects.exists()


def test_a_form_of_a_clinic_that_one_has_left_keeps_what_was_typed_and_writes_nowhere(
    tab: Client, both: tuple[Membership, Membership]
) -> None:
    first, second = both
    page = tab.get(reverse("patient-create")).content.decode()
    Membership.objects.filter(pk=first.pk).update(is_active=False)
    response = tab.post(reverse("patient-create"), {"made_for": made_for(page), "code": CODE, "sex": "female"})
    answer = response.content.decode()
    assert response.status_code == 409
    assert CODE in answer
    assert f"Your access to {first.clinic} has ended" in answer
    assert "work_in" not in answer
    forged = {"made_for": str(first.clinic.public_id), "work_in": str(first.clinic.public_id), "code": CODE}
    assert tab.post(reverse("patient-create"), forged).status_code == 409
    assert not Patient.objects.exists()
    asked = tab.get(reverse("home"))
    assert asked.status_code == 403
    assert "In which clinic do you work now?" in asked.content.decode()
    switch(tab, second)
    assert acting(tab.get(reverse("home"))) == second


def test_the_form_of_a_stranger_tells_nothing_of_the_clinic_that_it_names(
    tab: Client, stranger: Membership, both: tuple[Membership, Membership]
) -> None:
    said = {"made_for": str(stranger.clinic.public_id), "work_in": str(stranger.clinic.public_id), "code": CODE}
    response = tab.post(reverse("patient-create"), said)
    assert response.status_code == 409
    assert stranger.clinic.name not in response.content.decode()
    assert acting(tab.get(reverse("home"))) == both[0]
    assert not Patient.objects.exists()


def test_a_part_of_a_page_is_told_in_its_place_and_goes_back_without_leaving(
    tab: Client, both: tuple[Membership, Membership]
) -> None:
    first, second = both
    tab.get(reverse("home"))
    switch(tab, second)
    carried = {"HX-Request": "true", "X-Made-For": str(first.clinic.public_id)}
    sent = tab.post(reverse("upload"), {"made_for": str(first.clinic.public_id)}, headers=carried)
    assert sent.status_code == 409
    assert "<!doctype" not in sent.content.decode().lower()
    assert f"You now work in {second.clinic}" in sent.content.decode()
    assert "HX-Retarget" not in sent
    asked = tab.get(reverse("patient-search"), {"patient_code": "P"}, headers=carried)
    assert (asked.status_code, asked["HX-Retarget"]) == (409, "[data-other-clinic]")
    back = tab.post(reverse("clinic-switch"), {"clinic": first.clinic.public_id}, headers=carried)
    assert back.status_code == 200
    assert f"You work in {first.clinic} again" in back.content.decode()
    assert tab.get(reverse("patient-search"), {"patient_code": "P"}, headers=carried).status_code == 200


def test_to_switch_gives_the_session_a_new_key(tab: Client, both: tuple[Membership, Membership]) -> None:
    tab.get(reverse("home"))
    before = tab.cookies["sessionid"].value
    switch(tab, both[1])
    assert tab.cookies["sessionid"].value != before
    stolen = Client()
    stolen.cookies["sessionid"] = before
    assert stolen.get(reverse("home")).status_code == 302


def test_every_page_for_members_refuses_what_does_not_say_its_clinic(
    tab: Client, both: tuple[Membership, Membership], read_photograph: Prediction, active_model: ModelVersion
) -> None:
    filled = {route.name: route.path for route in all_routes(read_photograph, active_model)}
    names = {name for name, view in routes(get_resolver()) if guard_of(view) in MEMBERS}
    assert len(names) > 30
    tab.get(reverse("home"))
    before, answers = AuditEvent.objects.count(), dict[str, set[int]]()
    for name in names:
        address = filled.get(name) or ALL[name]
        for said in ({}, {"made_for": str(both[1].clinic.public_id)}, {"made_for": str(uuid4())}, {"made_for": "x"}):
            answers.setdefault(name, set()).add(tab.post(address, said).status_code)
    review = reverse("admin:classifier_prediction_change", args=[read_photograph.public_id])
    assert tab.post(review, {"diagnosis": "NV", "certainty": "high"}).status_code == 409
    assert AuditEvent.objects.count() == before
    only_shown = {name for name, statuses in answers.items() if statuses == {405}}
    assert {name for name, statuses in answers.items() if statuses == {409}} == names - only_shown
    assert all(tab.get(filled.get(name) or ALL[name]).status_code != 405 for name in only_shown)


class Forms(HTMLParser):
    """Collects, of every form that writes, where it goes and which fields it has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, set[str]]] = []
        self.body: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "body":
            self.body = said
        if tag == "form" and "post" in str(said.get("method")).lower():
            self.found.append((said.get("action") or "", set()))
        if tag in {"input", "button"} and self.found:
            self.found[-1][1].add(said.get("name") or "")


BY_ANYBODY = {reverse(name) for name in ("account_logout", "set_language", "account_change_password", "admin:logout")}


def test_every_form_that_a_member_is_shown_says_its_clinic(
    administrator: Membership, client_for: ClientFor, read_photograph: Prediction, active_model: ModelVersion
) -> None:
    site, seen = client_for(administrator), 0
    addresses = {route.path for route in all_routes(read_photograph, active_model)}
    addresses |= {reverse("account"), reverse("clinic")}
    addresses.add(reverse("admin:classifier_prediction_change", args=[read_photograph.public_id]))
    for address in addresses:
        response = site.get(address)
        page = response.getvalue()
        if response.status_code != 200 or "html" not in response["Content-Type"]:
            continue
        forms = Forms()
        forms.feed(page.decode())
        if forms.body and not address.startswith("/admin/"):
            assert str(administrator.clinic.public_id) in str(forms.body.get("hx-headers")), address
        for action, fields in forms.found:
            if action not in BY_ANYBODY:
                assert "made_for" in fields, (address, action)
                seen += 1
    assert seen > 20
