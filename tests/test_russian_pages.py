"""On pages in Russian nobody meets an English word: every page for people is walked."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import ModelVersion, Review
from ml.taxonomy import CLASSES
from skinsite.accounts.models import Membership
from tests import factories

# Attributes that are read out or shown.
SPOKEN = {"aria-label", "title", "alt", "placeholder"}
SILENT = {"script", "style", "code", "svg", "template"}
WORD = re.compile(r"[A-Za-z]{3,}")
DATA = re.compile(r"\S+@\S+|\b\w+\.\w+\b|\b[0-9a-f-]{8,}|\b[0-9a-f]{6,}…?")
"""Addresses, codes of the audit trail, identifiers and hashes are no words."""
ICON = "material-symbols-outlined"
"""The admin's theme names its icons in text that a font draws."""
# Names, formats, codes and a key, which are written so in Russian too.
KEPT = {"JPEG", "PNG", "WebP", "TIFF", "HEIC", "API", "UTC", "English", "Enter", "onnx", "LPLK", *CLASSES}


NOWHERE = "/nothing/"


class Reader(HTMLParser):
    """Collects the text that a page shows or reads out."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: str | None = None
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is spoken of an element; nothing in a silent one is."""
        if self.silent is None:
            self.found += [value or "" for name, value in attrs if name in SPOKEN]
            if tag in SILENT or ICON in (dict(attrs).get("class") or ""):
                self.silent = tag

    def handle_endtag(self, tag: str) -> None:
        """Leave a silent element; none of them holds another of its kind."""
        if tag == self.silent:
            self.silent = None

    def handle_data(self, data: str) -> None:
        """Note text."""
        if self.silent is None:
            self.found.append(data)


def english_words(page: str) -> set[str]:
    reader = Reader()
    reader.feed(page)
    return {word for text in reader.found for word in WORD.findall(DATA.sub(" ", text))} - KEPT


@pytest.fixture
def review(owner: Membership) -> Review:
    """A reviewed reading, whose data are Russian."""
    owner.clinic.name = "Клиника"
    owner.clinic.save()
    owner.user.name = "Врач"
    owner.user.save()
    image = factories.LesionImageFactory.create(
        lesion__patient__clinic=owner.clinic, lesion__patient__code="П-1", original_name="снимок"
    )
    version = factories.ModelVersionFactory.create(name="сеть", manifest={})
    return factories.ReviewFactory.create(
        prediction=factories.DonePredictionFactory.create(image=image, model_version=version, flags=["dark"]),
        reviewer__name="Эксперт",
        comment="мнение",
    )


def addresses(review: Review) -> list[str]:
    reading = review.prediction
    lesion = reading.image.lesion
    model: ModelVersion | None = reading.model_version
    assert model is not None
    return [
        reverse("home"),
        reverse("history"),
        reverse("history") + "?q=ничего",
        reverse("reading", args=[reading.public_id]),
        reverse("patients"),
        reverse("patient-create"),
        reverse("patient", args=[lesion.patient.public_id]),
        reverse("patient-edit", args=[lesion.patient.public_id]),
        reverse("lesion-create", args=[lesion.patient.public_id]),
        reverse("lesion", args=[lesion.public_id]),
        reverse("lesion-edit", args=[lesion.public_id]),
        reverse("model", args=[model.public_id]),
        reverse("account"),
        reverse("account_change_password"),
        reverse("mfa_index"),
        reverse("account_reauthenticate"),
        reverse("clinic"),
        NOWHERE,
        reverse("admin:classifier_prediction_changelist"),
        reverse("admin:classifier_prediction_change", args=[reading.public_id]),
        reverse("admin:audit_auditevent_changelist"),
    ]


@pytest.mark.django_db
def test_pages_in_russian_hold_no_english_word(client: Client, review: Review, administrator: Membership) -> None:
    administrator.user.name = "Администратор"
    administrator.user.save()
    client.force_login(administrator.user)
    for address in addresses(review):
        response = client.get(address, headers={"accept-language": "ru"})
        assert response.status_code == (404 if address == NOWHERE else 200), address
        page = response.content.decode()
        assert '<html lang="ru"' in page, address
        assert english_words(page) == set(), address
        assert "г.." not in page, address


@pytest.mark.django_db
def test_the_page_for_signing_in_is_russian(client: Client) -> None:
    response = client.get(reverse("account_login"), headers={"accept-language": "ru"})
    assert english_words(response.content.decode()) == set()


def test_an_english_word_is_found() -> None:
    page = "<p title='Готово'>Оценка <b>ready</b> <code>code</code> <svg><path/></svg></p><input aria-label='close'>"
    assert english_words(page) == {"ready", "close"}
