"""The committed model card is the generated one."""

from ml.bundle import Bundle
from ml.reports import model_card


def test_the_committed_card_is_the_one_of_the_shipped_bundle(bundle: Bundle) -> None:
    assert model_card.MODEL_CARD.read_text(encoding="utf-8") == model_card.render(bundle.manifest)


def test_the_card_says_what_must_be_said(bundle: Bundle) -> None:
    card = model_card.render(bundle.manifest)
    for said in (
        "Skin tone not evaluated",
        "not a medical device",
        "CC BY-NC 4.0",
        "ViDIR Group",
        bundle.manifest.training,
    ):
        assert said in card
    assert f"{bundle.manifest.metrics['test']['metrics']['balanced_accuracy']['value']:.3f} [" in card
