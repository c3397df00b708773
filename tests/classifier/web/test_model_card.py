"""The card of a model version, from its manifest alone."""

from django.test import Client
from django.urls import reverse

from classifier.models import ModelVersion
from classifier.presentation.wording import SAFETY_SENTENCE, SEVEN_SENTENCE
from tests import factories


def test_the_card_says_what_for_how_well_and_where_it_ends(site: Client, active_model: ModelVersion) -> None:
    page = site.get(reverse("model", args=[active_model.public_id])).content.decode()
    manifest = active_model.manifest
    for words in (
        active_model.name,
        str(SAFETY_SENTENCE),
        str(SEVEN_SENTENCE),
        manifest["architecture"],
        manifest["target_prior"]["description"],
        manifest["licence"],
        active_model.bundle_sha256,
        "Melanoma",
    ):
        assert words in page


def test_every_figure_stands_with_its_interval(site: Client, active_model: ModelVersion) -> None:
    page = site.get(reverse("model", args=[active_model.public_id])).content.decode()
    for report in active_model.manifest["metrics"].values():
        entry = report["metrics"]["balanced_accuracy"]
        assert f"{entry['value']:.3f}" in page
        assert f"{entry['low']:.3f}–{entry['high']:.3f}" in page
        assert str(report["lesions"]) in page


def test_an_evaluation_whose_lesions_are_not_known_says_so(site: Client, active_model: ModelVersion) -> None:
    for report in active_model.manifest["metrics"].values():
        report["lesions"] = None
    other = factories.ModelVersionFactory.create(manifest=active_model.manifest)
    page = site.get(reverse("model", args=[other.public_id])).content.decode()
    assert "their lesions are not known; in grey the 95 % interval, by bootstrap over photographs" in page
    assert "of None lesions" not in page


def test_a_version_without_an_evaluation_says_so(site: Client) -> None:
    bare = factories.ModelVersionFactory.create(manifest={})
    page = site.get(reverse("model", args=[bare.public_id])).content.decode()
    assert "Not measured" in page
