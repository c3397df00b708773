"""The history and the start page: found, filtered, paged, in the same number of queries however long."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from classifier.models import Modality, Outcome, Prediction
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.web.queries import count_queries


def make(owner: Membership, count: int = 1, **fields: object) -> list[Prediction]:
    """Finished readings of the clinic, each of a patient of its own."""
    defaults: dict[str, object] = {"image__lesion__patient__clinic": owner.clinic, "requested_by": owner.user}
    version = fields.pop("model_version", None) or factories.ModelVersionFactory.create()
    return factories.DonePredictionFactory.create_batch(count, model_version=version, **(defaults | fields))


def shown(site: Client, **query: str) -> str:
    response = site.get(reverse("history"), query)
    assert response.status_code == 200
    return response.content.decode()


def code_of(prediction: Prediction) -> str:
    return prediction.image.lesion.patient.code


def test_the_history_takes_as_many_queries_for_three_readings_as_for_three_hundred(
    site: Client, owner: Membership
) -> None:
    make(owner, 3)
    few = count_queries(site, reverse("history"))
    make(owner, 297)
    assert count_queries(site, reverse("history")) == few


def test_the_start_page_takes_as_many_queries_for_three_readings_as_for_thirty(site: Client, owner: Membership) -> None:
    make(owner, 3)
    few = count_queries(site, reverse("home"))
    make(owner, 27)
    assert count_queries(site, reverse("home")) == few


def test_a_reading_is_found_by_patient_code_label_and_file_name(site: Client, owner: Membership) -> None:
    wanted, other = make(owner, 2)
    lesion = wanted.image.lesion
    lesion.label = "left of the scar"
    lesion.save()
    for search in (code_of(wanted).lower(), "SCAR", wanted.image.original_name):
        page = shown(site, q=search)
        assert reverse("reading", args=[wanted.public_id]) in page
        assert reverse("reading", args=[other.public_id]) not in page


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"outcome": "low_risk"}, {"outcome": Outcome.LOW_RISK}),
        ({"modality": "clinical"}, {"modality": Modality.CLINICAL}),
        ({"since": "2020-01-01", "until": "2020-12-31"}, {"created_at": timezone.now().replace(year=2020)}),
    ],
)
def test_filters_in_the_address_leave_what_fits(
    query: dict[str, str], fields: dict[str, object], site: Client, owner: Membership
) -> None:
    [fits] = make(owner, 1, **fields)
    [other] = make(owner, 1)
    page = shown(site, **query)
    assert reverse("reading", args=[fits.public_id]) in page
    assert reverse("reading", args=[other.public_id]) not in page


def test_reviewed_and_not_reviewed_are_told_apart(site: Client, owner: Membership) -> None:
    reviewed, other = make(owner, 2)
    factories.ReviewFactory.create(prediction=reviewed)
    assert code_of(reviewed) in shown(site, reviewed="yes")
    assert code_of(other) not in shown(site, reviewed="yes")
    assert code_of(reviewed) not in shown(site, reviewed="no")
    assert code_of(other) in shown(site, reviewed="no")


def test_a_reading_is_found_by_its_site_in_the_reader_s_language(site: Client, owner: Membership) -> None:
    [wanted] = make(owner, 1, image__lesion__body_site="back")
    [other] = make(owner, 1, image__lesion__body_site="face", image__original_name="IMG.jpg")
    for language, search in (("en", "back"), ("ru", "спина"), ("ru", "СПИН")):
        page = site.get(reverse("history"), {"q": search}, headers={"accept-language": language}).content.decode()
        assert reverse("reading", args=[wanted.public_id]) in page
        assert reverse("reading", args=[other.public_id]) not in page


def test_a_chip_keeps_the_other_filters_and_goes_back_to_the_first_page(site: Client, owner: Membership) -> None:
    make(owner, 60)
    page = shown(site, outcome="suspicious", page="2")
    assert 'href="?outcome=suspicious&amp;reviewed=yes"' in page
    assert 'href="?outcome=suspicious&amp;page=3"' in page
    assert 'aria-current="true"' in page


def test_a_search_keeps_the_filters(site: Client, owner: Membership) -> None:
    make(owner)
    assert '<input type="hidden" name="outcome" value="suspicious">' in shown(site, outcome="suspicious")


def test_pages_hold_25_and_the_last_one_the_rest(site: Client, owner: Membership) -> None:
    make(owner, 30)
    assert shown(site).count("<tr data-row>") == 25
    assert shown(site, page="2").count("<tr data-row>") == 5
    assert "26–30 of 30" in shown(site, page="2")


@pytest.mark.parametrize(
    "query",
    [
        {"outcome": "nonsense"},
        {"since": "yesterday"},
        {"page": "nonsense"},
        {"page": "-3"},
        {"q": "\x00"},
        {"q": "(("},
        {"reviewed": "perhaps"},
    ],
)
def test_an_address_that_makes_no_sense_still_gives_a_page(query: dict[str, str], site: Client) -> None:
    assert "History" in shown(site, **query)


@pytest.mark.parametrize(
    ("query", "named", "said"),
    [
        ({"outcome": "zzz"}, "outcome", "All readings are shown."),
        ({"from": "2026-99-99"}, "from", "All readings are shown."),
        ({"since": "2026-99-99", "status": "done"}, "since", "Only the other filters apply."),
    ],
)
def test_a_filter_that_is_not_understood_is_named(
    query: dict[str, str], named: str, said: str, site: Client, owner: Membership
) -> None:
    make(owner)
    page = shown(site, **query)
    message = page.split("Not understood and ignored:")[1].split("</div>")[0]
    assert f"<code>{named}</code>" in message
    assert said in message
    assert "Not understood" not in shown(site, outcome="suspicious", q="", page="1")


@pytest.mark.parametrize("asked", ["abc", "-3", "7"])
def test_a_page_that_there_is_not_is_named(asked: str, site: Client, owner: Membership) -> None:
    make(owner)
    assert f"There is no page <code>{asked}</code>. This is page 1." in shown(site, page=asked)
    assert "There is no page" not in shown(site, page="1")


def test_an_empty_history_says_what_to_do_and_an_empty_search_how_to_go_back(site: Client, owner: Membership) -> None:
    assert "No readings yet" in shown(site)
    make(owner)
    assert "Nothing matches" in shown(site, q="nowhere")


def test_a_photograph_entered_in_error_leaves_the_list(site: Client, owner: Membership) -> None:
    [wrong] = make(owner, 1, image__entered_in_error_at=timezone.now())
    assert code_of(wrong) not in shown(site)


def test_the_start_page_counts_what_waits_and_each_count_leads_to_its_list(site: Client, owner: Membership) -> None:
    make(owner, 2)
    make(owner, 1, outcome=Outcome.LOW_RISK)
    factories.PredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    page = site.get(reverse("home")).content.decode()
    words = page.replace("\n", " ")
    counts = {
        "suspicious, not reviewed": 2,
        "not assessable, not reviewed": 0,
        "not reviewed": 3,
        "waiting to be read": 1,
        "failed": 0,
    }
    for word, number in counts.items():
        assert f'<span class="work-number">{number}</span>     <span class="work-word">{word}</span>' in words
    assert "?status=queued" in page


def test_the_start_page_lists_the_last_ten(site: Client, owner: Membership) -> None:
    old = make(owner, 1, created_at=timezone.now() - timedelta(days=2))[0]
    make(owner, 10)
    page = site.get(reverse("home")).content.decode()
    assert page.count("<tr data-row>") == 10
    assert code_of(old) not in page


def test_an_empty_start_page_says_what_to_do(site: Client, store: object) -> None:
    page = site.get(reverse("home")).content.decode()
    assert "No photographs yet" in page
    assert "no model is in service" in page


@pytest.mark.parametrize("address", ["history", "patients"])
def test_a_filter_given_two_values_is_told_and_none_of_them_is_followed(
    site: Client, owner: Membership, address: str
) -> None:
    one, other = make(owner, 2)
    query = f"?q={code_of(one)}&q={code_of(other)}"
    page = site.get(reverse(address) + query).content.decode()
    assert "<code>q</code>" in page
    assert code_of(one) in page
    assert code_of(other) in page
