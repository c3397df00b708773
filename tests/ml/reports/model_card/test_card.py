"""The committed model card is the generated one."""

import re
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ml.bundle.folder import Bundle
from ml.reports.model_card import card as model_card
from tests.ml.figures import make_figure


def test_the_committed_card_is_the_one_of_the_shipped_bundle(bundle: Bundle) -> None:
    assert model_card.MODEL_CARD.read_text(encoding="utf-8") == model_card.render_card(bundle.manifest)


def test_the_committed_diagram_is_the_one_of_the_shipped_bundle(bundle: Bundle, tmp_path: Path) -> None:
    model_card.write_card(bundle.manifest, tmp_path / "model_card.md")
    drawn = tmp_path / "model-card" / "reliability.svg"
    assert "(model-card/reliability.svg)" in (tmp_path / "model_card.md").read_text(encoding="utf-8")
    assert drawn.read_bytes() == (model_card.MODEL_CARD.parent / "model-card" / "reliability.svg").read_bytes()


def test_lesions_shown_again_and_metrics_of_them_are_told_where_the_manifest_has_them(bundle: Bundle) -> None:
    figures = dict(bundle.manifest.metrics["test"])
    name = "balanced_accuracy_without_shown_again"
    figures |= {
        "shown_again": ["ISIC_1", "ISIC_2"],
        "metrics": figures["metrics"] | {name: make_figure(0.5, 0.4, 0.6)},
    }
    card = model_card.render_card(replace(bundle.manifest, metrics={"test": figures}))
    assert "| balanced accuracy, lesions shown again left out | 0.500 [0.400, 0.600] |" in card
    assert "2 of these images show a lesion" in card


def test_every_missed_melanoma_is_shown_small(bundle: Bundle) -> None:
    shown = re.findall(r"!\[(\w+)\]\((model-card/\w+\.jpg)\)", model_card.render_card(bundle.manifest))
    assert [name for name, _ in shown] == [each["image"] for each in bundle.manifest.limits["test"]["missed_melanomas"]]
    for _, path in shown:
        with Image.open(model_card.MODEL_CARD.parent / path) as picture:
            assert max(picture.size) == model_card.THUMBNAIL_SIDE


def test_thumbnails_of_melanomas_that_are_no_longer_missed_are_removed(bundle: Bundle, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    Image.new("RGB", (400, 300)).save(images / "ISIC_1.jpg")
    missed = [{"image": "ISIC_1", "malignant": 0.01, "melanoma": 0.01}]
    manifest = replace(bundle.manifest, limits={"test": {"missed_melanomas": missed}})
    model_card.write_thumbnails(manifest, images, tmp_path / "model_card.md")
    assert (tmp_path / "model-card" / "ISIC_1.jpg").is_file()
    model_card.write_thumbnails(replace(manifest, limits={}), images, tmp_path / "model_card.md")
    assert not list((tmp_path / "model-card").iterdir())


def test_a_card_of_a_bundle_without_limits_can_be_written(bundle: Bundle) -> None:
    card = model_card.render_card(replace(bundle.manifest, limits={}, gate=None, prediction_sets=None))
    assert "## Limits" in card
    assert "What it refuses" not in card


def test_the_card_says_what_must_be_said(bundle: Bundle) -> None:
    card = model_card.render_card(bundle.manifest)
    for said in (
        "Skin tone not evaluated",
        "not a medical device",
        "CC BY-NC 4.0",
        "ViDIR Group",
        bundle.manifest.training,
    ):
        assert said in card
    assert f"{bundle.manifest.metrics['test']['metrics']['balanced_accuracy']['value']:.3f} [" in card


def test_shares_are_shown_with_their_intervals_where_the_manifest_has_them(bundle: Bundle) -> None:
    limits = bundle.manifest.limits
    detector = limits["gate"] | {
        "fold": limits["gate"]["fold"] | {"groups": 596, "refused": make_figure(0.0138, 0.0071, 0.0269)}
    }
    stability = limits["stability"] | {
        "any": {
            "changed": make_figure(0.36, 0.2875, 0.4395),
            "opposite": make_figure(0.02, 0.0, 0.1),
        }
    }
    card = model_card.render_card(replace(bundle.manifest, limits=limits | {"gate": detector, "stability": stability}))
    assert "| fold | 798 of 596 | 1.4 % [0.7, 2.7] |" in card
    assert "| any of these | 36.0 % [28.7, 44.0] | 2.0 % [0.0, 10.0] |" in card
    assert "Wilson's" in card


def test_what_is_measured_where_it_was_fitted_is_called_in_sample(bundle: Bundle) -> None:
    card = model_card.render_card(bundle.manifest)
    of_fold, of_test = (card.split(f"## Figures on {name}")[1].split("##")[0] for name in ("fold 4", "the test fold"))
    assert "**in-sample**" in of_fold
    assert "in-sample" not in of_test
    unread = {name: value for name, value in bundle.manifest.limits.items() if name != "test"}
    described = model_card.render_card(
        replace(bundle.manifest, limits=unread | {"fold_4": bundle.manifest.limits["fold_4"]})
    )
    assert "## What it says of whom, on fold 4 (in-sample)" in described
