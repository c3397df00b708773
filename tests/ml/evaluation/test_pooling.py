"""The rule of pooling is fitted by its log loss, and its limits by the likeness of photographs of one lesion."""

from dataclasses import replace

import numpy as np
import pytest

from ml.bundle.folder import Bundle
from ml.bundle.manifest import Manifest, PoolingRule
from ml.evaluation.pooling import (
    Lesion,
    fit_pooling,
    fit_similarity,
    measure_alone,
    measure_rule,
    measure_similarity,
    with_several,
)
from ml.evaluation.repeatability import measure_dilution, measure_repeatability
from ml.serve.interpretation import decide
from ml.serve.pool import Photograph

MEL, NV = 0, 1


def of_sum(malignant: float) -> tuple[float, ...]:
    rest = 1e-4
    return (malignant - 2 * rest, 1 - malignant - 3 * rest, rest, rest, rest, rest, rest)


def lesion(name: str, label: int, sums: list[float], manifest: Manifest, *, angle: float = 0.0) -> Lesion:
    """A lesion whose photographs have these sums; its signature lies at an angle in degrees."""
    direction = (float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle))))
    photographs = []
    for place, malignant in enumerate(sums):
        outcome, reason = decide(np.array(of_sum(malignant)), None, manifest.thresholds)
        photographs.append(
            Photograph(f"{name}{place}", of_sum(malignant), outcome, reason, quality=1.0, embedding=direction)
        )
    return Lesion(name, label, tuple(photographs))


@pytest.fixture(scope="module")
def manifest(bundle: Bundle) -> Manifest:
    """The shipped manifest with a rule of equal weights."""
    return replace(bundle.manifest, pooling=PoolingRule(0, 0, None, copy_from=2, same_from=0.5, how="by hand"))


def test_the_rule_of_least_loss_is_chosen(manifest: Manifest) -> None:
    # One photograph of each melanoma misses it: the more the other weighs, the better, and no nevus suffers.
    lesions = [lesion(f"m{place}", MEL, [0.01, 0.9], manifest, angle=place) for place in range(4)]
    lesions += [lesion(f"n{place}", NV, [0.01, 0.01], manifest, angle=90 + place) for place in range(4)]
    rule, tried = fit_pooling(lesions, manifest, "a fold")
    assert rule.odds_power == 100
    assert (tried["chosen"], tried["lesions"], tried["pairs"]) == ("the worst alone", 8, 8)
    losses = {name: figures["log_loss"]["value"] for name, figures in tried["rules"].items()}
    assert losses["mean"] > losses["weighted by the malignant odds"] > losses["the worst alone"]
    assert "the worst alone: of 6 rules" in rule.how


def test_the_limits_are_percentiles_of_the_likeness_of_one_lesions_photographs() -> None:
    # Fifty-one pairs at 0, 1, …, 50 degrees.
    pairs = []
    for angle in range(51):
        apart = [(1.0, 0.0), (float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle))))]
        photographs = [
            Photograph(f"{angle} {place}", of_sum(0.5), "", "", None, each) for place, each in enumerate(apart)
        ]
        pairs.append(Lesion(str(angle), NV, tuple(photographs)))
    limits, count = fit_similarity(pairs)
    assert count == 51
    # The farthest 2 % are one of 50 steps; the nearest 1 % half a step.
    assert limits == pytest.approx(((1 + np.cos(np.radians(1))) / 2, np.cos(np.radians(49))), abs=1e-4)
    without = Lesion("a", NV, tuple(Photograph(key, of_sum(0.5), "", "") for key in "ab"))
    assert fit_similarity([without]) == (None, 0)


def test_pairs_of_one_lesion_and_of_two_are_told_apart(manifest: Manifest) -> None:
    lesions = [
        lesion("a", MEL, [0.9, 0.8], manifest, angle=0),
        lesion("b", NV, [0.1], manifest, angle=90),
        lesion("c", NV, [0.1], manifest, angle=120),
    ]
    assert manifest.pooling is not None
    found = measure_similarity(lesions, replace(manifest.pooling, copy_from=0.99))
    assert found["one lesion"] == {"pairs": 1, "copies": 1.0, "different": 0.0}
    assert found["two lesions"] == {"pairs": 3, "copies": 0.0, "different": round(2 / 3, 4)}
    assert found["two lesions of one diagnosis"] == {"pairs": 1, "copies": 0.0, "different": 0.0}


def test_outcomes_are_measured_by_lesion_and_each_lesion_counts_once(manifest: Manifest) -> None:
    lesions = [
        lesion("m", MEL, [0.9, 0.01, 0.01], manifest),
        lesion("n", NV, [0.001, 0.002], manifest),
        lesion("o", NV, [0.9, 0.9, 0.9, 0.9], manifest),
    ]
    assert manifest.pooling is not None
    alone = measure_alone(lesions, manifest)
    assert alone["sensitivity_suspicious"].value == pytest.approx(1 / 3, abs=1e-4)
    assert alone["specificity_low_risk"].value == 0.5
    pooled = measure_rule(lesions, manifest, manifest.pooling)
    assert pooled["sensitivity_not_low_risk"].value == 1
    assert pooled["specificity_low_risk"].value == 0.5


def test_readings_that_differ_are_counted_by_lesion(manifest: Manifest) -> None:
    lesions = [
        lesion("steady", MEL, [0.9, 0.8, 0.7], manifest),
        lesion("opposite", NV, [0.0005, 0.0006, 0.9], manifest),
        lesion("pair", NV, [0.001, 0.002], manifest),
        lesion("alone", NV, [0.001], manifest),
    ]
    assert [each.group for each in with_several(lesions, 3)] == ["steady", "opposite"]
    found = measure_repeatability(lesions, manifest)
    assert found["lesions"] == {"2": 1, "3": 2}
    assert found["single"]["all"]["opposite"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["single"]["malignant"]["differs"]["value"] == 0
    # Of three pairs of photographs of the second lesion two are opposite; the first has none: the mean is a third.
    assert found["pair"]["opposite"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    # Only the pool of the two benign photographs, against the third, is opposite: one of three; the mean is a sixth.
    assert found["left_out"]["opposite"]["value"] == pytest.approx(1 / 6, abs=1e-4)
    # Without the suspicious one the pool is low risk, and with it uncertain: that differs, and is not opposite.
    assert found["without"]["differs"]["value"] == pytest.approx(1 / 9, abs=1e-4)
    assert found["without"]["opposite"]["value"] == 0


def test_melanomas_among_nevi_are_counted(manifest: Manifest) -> None:
    lesions = [lesion("m", MEL, [0.9], manifest), lesion("missed", MEL, [0.001], manifest)]
    lesions += [lesion(f"n{place}", NV, [0.001 + place / 1e4], manifest, angle=90) for place in range(6)]
    found = measure_dilution(lesions, manifest)
    assert (found["melanomas"], found["nevi"]) == (1, 6), "one that is missed alone is no matter of pooling"
    assert found["with"]["5"] == {"examinations": 20, "low_risk": 0, "told_apart": 20}
