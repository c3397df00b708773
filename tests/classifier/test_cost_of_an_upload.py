"""What one upload with its reading costs, in one request, as the pages and the API make it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from classifier.models import ModelVersion, Status
from classifier.management.anatomy import count_write_transactions
from skinsite.accounts.models import Membership
from tests.classifier.api.conftest import create_token
from tests.classifier.conftest import draw_lesion
from tests.classifier.web.conftest import ClientFor

pytestmark = pytest.mark.django_db(transaction=True)


def test_api(owner: Membership, active_model: ModelVersion) -> None:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {create_token(owner)}")
    for n, extra in enumerate(({}, {}, {"patient_code": "A-1"}, {"patient_code": "A-1"})):
        with CaptureQueriesContext(connection) as c:
            r = api.post(reverse("api-prediction-list"), {"image": SimpleUploadedFile("a.jpg", draw_lesion(seed=n)), **extra}, format="multipart")
        assert r.status_code == 201
        print("API", n, len(c), count_write_transactions([q["sql"] for q in c.captured_queries]))
        for q in c.captured_queries:
            print("   ", q["sql"][:150].replace("\n", " "))


def test_page(owner: Membership, active_model: ModelVersion, client: Client) -> None:
    site = client; site.force_login(owner.user)
    for n, extra in enumerate(({"new_patient": "on"}, {"new_patient": "on", "patient_code": "A-1"}, {"patient_code": "A-1"})):
        with CaptureQueriesContext(connection) as c:
            r = site.post(reverse("upload"), {"image": SimpleUploadedFile("a.jpg", draw_lesion(seed=n)), "modality": "dermoscopic", **extra}, headers={"HX-Request": "true"})
        assert r.status_code == 200, r.content
        print("PAGE", n, len(c), count_write_transactions([q["sql"] for q in c.captured_queries]))
        for q in c.captured_queries:
            print("   ", q["sql"][:150].replace("\n", " "))
    assert 0
