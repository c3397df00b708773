"""The reading page: what is shown, in which order, and what is not."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from classifier.models import Outcome, Prediction, Status
from classifier.presentation.figures import bars_of
from classifier.presentation.wording import SAFETY_SENTENCE, SEVEN_SENTENCE
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.web.conftest import ClientFor
from tests.classifier.web.queries import count_queries


def page_of(site: Client, prediction: Prediction) -> str:
    response = site.get(reverse("reading", args=[prediction.public_id]))
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def suspicious(owner: Membership) -> Prediction:
    """A reading with a malignant sum of 34 %: 30 % MEL, 3 % BCC, 1 % AKIEC; limits 8 % and 30 %."""
    return factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, flags=["blurred"], requested_by=owner.user
    )


def test_seven_bars_stand_in_a_fixed_order_the_malignant_first(site: Client, suspicious: Prediction) -> None:
    page = page_of(site, suspicious)
    assert re.findall(r'data-class="(\w+)"', page) == ["MEL", "BCC", "AKIEC", "NV", "BKL", "DF", "VASC"]


def test_bars_have_the_length_of_their_share_and_whole_per_cent(suspicious: Prediction) -> None:
    bars = bars_of(suspicious)
    assert bars is not None
    assert [(bar.code, bar.width, bar.text) for bar in bars.malignant] == [
        ("MEL", "30.0%", "30\xa0%"),
        ("BCC", "3.0%", "3\xa0%"),
        ("AKIEC", "1.0%", "1\xa0%"),
    ]
    assert (bars.total.text, bars.low_risk_below.width, bars.suspicious_from.width) == ("34\xa0%", "8.0%", "30.0%")


def test_the_prediction_set_is_told_in_words(site: Client, owner: Membership, suspicious: Prediction) -> None:
    told = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, prediction_set=["MEL", "NV"]
    )
    assert "it is with 90 % probability one of: Melanoma, Melanocytic nevus" in page_of(site, told)
    assert "90 % probability" not in page_of(site, suspicious), "its model gave no set"


def test_one_limit_has_one_tick_and_two_have_two(site: Client, owner: Membership, suspicious: Prediction) -> None:
    limits = {"malignant": {"low_risk_below": 0.1, "suspicious_from": 0.1}}
    one = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, thresholds=limits)
    assert "Tick: suspicious from 10" in page_of(site, one)
    assert "Ticks: low risk below 8" in page_of(site, suspicious)


def test_melanoma_has_a_tick_of_its_own_where_its_model_has_such_a_limit(
    site: Client, owner: Membership, suspicious: Prediction
) -> None:
    limits = {"malignant": {"low_risk_below": 0.1, "suspicious_from": 0.1}, "melanoma": {"low_risk_below": 0.015}}
    told = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, thresholds=limits)
    page = page_of(site, told)
    melanoma = page[page.index('data-class="MEL"') : page.index('data-class="BCC"')]
    assert 'class="bar-tick" x1="1.5%"' in melanoma
    assert page.count('class="bar-tick"') == 3, "two of the sum, one of melanoma"
    assert "Tick of melanoma: low risk only below 1.5\xa0%" in page
    assert "Tick of melanoma" not in page_of(site, suspicious), "its model has none"


def test_a_limit_of_melanoma_that_is_never_reached_is_not_drawn(owner: Membership) -> None:
    limits = {"malignant": {"low_risk_below": 0.1, "suspicious_from": 0.1}, "melanoma": {"low_risk_below": 1.0}}
    bars = bars_of(factories.DonePredictionFactory.build(thresholds=limits))
    assert bars is not None
    assert bars.melanoma_limit is None


def test_the_outcome_has_a_shape_and_a_word_and_a_reason_with_its_numbers(site: Client, suspicious: Prediction) -> None:
    page = page_of(site, suspicious)
    verdict = page[page.index('id="verdict-title"') : page.index("</section>")]
    assert "icons.svg#suspicious" in verdict
    assert "Suspicious" in verdict
    assert "Malignant sum 34\xa0%, above the model&#x27;s referral threshold of 30\xa0%." in verdict


def test_the_page_goes_from_outcome_to_bars_to_flags_to_opinions_to_what_produced_it(
    site: Client, suspicious: Prediction
) -> None:
    factories.ReviewFactory.create(prediction=suspicious, comment="Regular network.")
    page = page_of(site, suspicious)
    order = [
        page.index(words)
        for words in (
            'id="verdict-title"',
            f'id="bars-{suspicious.public_id}"',
            str(SEVEN_SENTENCE),
            "Out of focus",
            "Regular network.",
            "Corrections",
            suspicious.stored_sha256[:12],
            str(SAFETY_SENTENCE),
        )
    ]
    assert order == sorted(order)
    assert page.count("research use") == 1, "the sentence stands once"


def test_paper_names_clinic_sex_and_year_of_birth(site: Client, suspicious: Prediction) -> None:
    patient = suspicious.image.lesion.patient
    patient.sex, patient.birth_year = "female", 1978
    patient.save()
    page = page_of(site, suspicious)
    assert f'<p class="print-only">{patient.clinic.name}</p>' in page
    assert "<li>Female, born 1978</li>" in page


def test_no_class_is_named_as_the_answer(site: Client, suspicious: Prediction) -> None:
    page = page_of(site, suspicious)
    assert "predicted" not in page.lower()
    assert "all clear" not in page.lower()


def test_a_reading_that_is_not_assessable_gives_its_reason_and_no_probabilities(
    site: Client, owner: Membership
) -> None:
    blank = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, outcome=Outcome.NOT_ASSESSABLE, reason="blank_frame"
    )
    page = page_of(site, blank)
    assert "there is nothing to read" in page
    assert "Malignant sum" not in page
    assert "data-class" not in page
    assert "data-heat-slider" not in page
    assert "34\xa0%" not in site.get(reverse("history")).content.decode()


def test_a_likely_cancer_that_was_refused_is_referred_without_figures(site: Client, owner: Membership) -> None:
    refused = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic,
        outcome=Outcome.REFER_UNCERTAIN,
        reason="unlike_training",
        flags=["ink", "ruler"],
        similar_cases=None,
    )
    page = page_of(site, refused)
    assert "verdict-refer_uncertain" in page
    assert "unlike what the network has learnt" in page
    assert "may be a malignant lesion: judge it clinically" in page
    assert page.count("disregard it, it was often wrong") == 2, "flags of an earlier model"
    assert "data-class" not in page
    assert "data-heat-slider" not in page


@pytest.mark.parametrize(
    ("waiting_for", "words"),
    [("no_model", "no model is in service"), ("bundle_corrupt", "files are damaged"), ("", "Queued.")],
)
def test_a_reading_that_waits_says_why_and_asks_again(
    waiting_for: str, words: str, site: Client, owner: Membership
) -> None:
    queued = factories.PredictionFactory.create(image__lesion__patient__clinic=owner.clinic, waiting_for=waiting_for)
    status = reverse("reading-status", args=[queued.public_id])
    page = page_of(site, queued)
    assert words in page
    assert f'hx-get="{status}"' in page
    asked = site.get(status)
    assert words in asked.content.decode()
    assert "HX-Refresh" not in asked.headers


def test_a_page_that_waited_is_loaded_anew_once_the_reading_is_there(site: Client, suspicious: Prediction) -> None:
    response = site.get(reverse("reading-status", args=[suspicious.public_id]))
    assert response["HX-Refresh"] == "true"


def test_a_failed_reading_gives_the_reason_and_can_be_tried_again(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    image = factories.LesionImageFactory.create(
        lesion=read_photograph.image.lesion,
        stored_name=read_photograph.image.stored_name + ".gone",
    )
    failed = factories.PredictionFactory.create(
        image=image,
        status=Status.FAILED,
        failure="timed_out",
        attempts=3,
        finished_at=read_photograph.finished_at,
        model_version=read_photograph.model_version,
        started_at=read_photograph.started_at,
    )
    assert "took too long" in page_of(site, failed)
    response = site.post(reverse("reading-retry", args=[failed.public_id]))
    again = Prediction.objects.get(image=image, pk__gt=failed.pk)
    assert response["Location"] == reverse("reading", args=[again.public_id])
    failed.refresh_from_db()
    assert failed.status == Status.FAILED
    assert reverse("reading", args=[again.public_id]) in page_of(site, failed)


def test_a_finished_reading_is_not_tried_again(site: Client, suspicious: Prediction) -> None:
    response = site.post(reverse("reading-retry", args=[suspicious.public_id]), follow=True)
    assert "This reading is done" in response.content.decode()
    assert Prediction.objects.count() == 1


def test_the_photograph_s_other_readings_are_listed(site: Client, suspicious: Prediction) -> None:
    later = factories.DonePredictionFactory.create(
        image=suspicious.image, outcome=Outcome.LOW_RISK, malignant_probability=0.02
    )
    page = page_of(site, suspicious)
    assert reverse("reading", args=[later.public_id]) in page
    assert page.index("Other readings of this photograph") < page.index("Low risk")


def test_only_who_may_review_is_led_to_giving_an_opinion(
    suspicious: Prediction, reviewer: Membership, site: Client, client_for: ClientFor
) -> None:
    assert "Give an opinion" not in page_of(site, suspicious)
    assert "Give an opinion" in page_of(client_for(reviewer), suspicious)


def test_the_page_takes_as_many_queries_for_one_reading_as_for_many(site: Client, suspicious: Prediction) -> None:
    path = reverse("reading", args=[suspicious.public_id])
    few = count_queries(site, path)
    for _number in range(8):
        other = factories.DonePredictionFactory.create(image__lesion=suspicious.image.lesion)
        factories.ReviewFactory.create(prediction=suspicious)
        factories.ReviewFactory.create(prediction=other)
    assert count_queries(site, path) == few


@pytest.mark.parametrize(
    ("age", "words"), [(timedelta(minutes=5, seconds=1), r">5 min ago<"), (timedelta(days=3), r" UTC</time>")]
)
def test_the_foot_tells_the_time_relative_within_a_day_and_after_it_with_its_zone(
    age: timedelta, words: str, site: Client, owner: Membership
) -> None:
    finished = timezone.now() - age
    prediction = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, created_at=finished, started_at=finished, finished_at=finished
    )
    foot = page_of(site, prediction).split('class="reading-foot"')[1]
    assert re.search(words, foot)


def test_the_foot_gives_each_hash_a_row_of_its_own(site: Client, suspicious: Prediction) -> None:
    foot = page_of(site, suspicious).split('class="reading-foot"')[1]
    for label, value in (("Image hash", suspicious.stored_sha256), ("Bundle hash", suspicious.bundle_sha256)):
        row = foot.split(f"<dt>{label}</dt>")[1].split("</dd>")[0]
        assert row.count("<code") == 1
        assert value[:12] in row
