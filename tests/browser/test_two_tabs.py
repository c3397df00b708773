"""One person, two clinics, two tabs: what one tab was opened for is never written into the other's clinic."""

from playwright.sync_api import Page, expect

from classifier.models import LesionImage, ModelVersion, Patient
from skinsite.accounts.models import Membership
from tests.browser.conftest import SignIn, sample_photograph
from tests.factories import MembershipFactory


def test_what_a_tab_sends_stays_in_the_clinic_that_it_was_opened_for(
    page: Page, owner: Membership, network: ModelVersion, sign_in: SignIn, complaints: list[str]
) -> None:
    other = MembershipFactory.create(user=owner.user)
    sign_in(page, owner)
    page.goto("/patients/new/")
    page.get_by_label("Patient code").fill("P-OF-FIRST")
    row = page.context.new_page()
    row.goto("/upload/")
    row.locator("[data-files]").first.set_input_files(sample_photograph())
    row.get_by_label("New patient").last.check()

    tab = page.context.new_page()
    tab.goto("/account/")
    tab.get_by_role("button", name=f"Work in {other.clinic}").click()
    expect(tab.get_by_text("You now work in")).to_be_visible()

    page.get_by_role("button", name="Add the patient").click()
    expect(page.get_by_role("heading", name=f"You now work in {other.clinic}")).to_be_visible()
    expect(page.get_by_text("P-OF-FIRST")).to_be_visible()
    assert not Patient.objects.exists()

    row.locator("[data-send]").click()
    expect(row.get_by_role("alert")).to_contain_text(f"You now work in {other.clinic}")
    assert not LesionImage.objects.exists()
    row.get_by_role("button", name=f"Work in {owner.clinic}").click()
    expect(row.get_by_text(f"You work in {owner.clinic} again")).to_be_visible()
    row.locator("[data-send]").click()
    row.wait_for_url("**/readings/**")

    page.get_by_role("button", name=f"Work in {owner.clinic} and send it again").click()
    page.wait_for_url("**/patients/*-*/")
    assert set(Patient.objects.values_list("clinic", flat=True)) == {owner.clinic_id}
    assert LesionImage.objects.count() == 1
    complaints.clear()  # a refusal is answered 409, which the console calls a failure
