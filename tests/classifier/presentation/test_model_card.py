"""The tables of a model's card."""

from classifier.presentation.model_card import evaluations_of

ACCURACY = {"value": 0.8, "low": 0.7, "high": 0.9}


def test_an_evaluation_is_told_by_the_metrics_that_have_a_name_in_their_order() -> None:
    per_class = {"MEL": {"images": 12, "recall": ACCURACY, "precision": ACCURACY, "auc": ACCURACY, "f1": ACCURACY}}
    report = {
        "fold": "test",
        "images": 40,
        "lesions": 30,
        "metrics": {"accuracy": ACCURACY, "of_later_make": ACCURACY, "balanced_accuracy": ACCURACY},
        "per_class": per_class,
    }
    [found] = evaluations_of({"metrics": {"test": report}})
    assert (found.fold, found.images, found.lesions) == ("test", 40, 30)
    assert [(str(name), entry) for name, entry in found.metrics] == [
        ("Balanced accuracy", ACCURACY),
        ("Accuracy", ACCURACY),
    ]
    assert found.classes == [("Melanoma", 12, [ACCURACY] * 3)]


def test_a_manifest_without_evaluations_gives_none() -> None:
    assert evaluations_of({}) == []
