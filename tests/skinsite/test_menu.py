"""The admin's menu: what each kind of person is offered, and where the admin opens."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory

from skinsite.accounts.models import Membership, User
from skinsite.menu import first_page, navigation
from tests.factories import PASSWORD
from tests.skinsite.conftest import SignIn

READINGS, TRAIL = "/admin/classifier/prediction/", "/admin/audit/auditevent/"
FOR_SUPERUSERS = [
    "/admin/accounts/clinic/",
    "/admin/accounts/user/",
    "/admin/accounts/membership/",
    "/admin/classifier/modelversion/",
]


@pytest.fixture
def superuser(db: None) -> User:
    """Who runs the site."""
    return User.objects.create_superuser("root@site.example", PASSWORD)


@pytest.mark.parametrize(
    ("who", "offered"),
    [("owner", []), ("reviewer", [READINGS]), ("administrator", [READINGS, TRAIL]), ("superuser", FOR_SUPERUSERS)],
)
def test_everybody_is_offered_what_is_theirs_and_starts_at_the_first_of_it(
    who: str, offered: list[str], request: pytest.FixtureRequest, rf: RequestFactory
) -> None:
    person: Membership | User = request.getfixturevalue(who)
    asking = rf.get("/admin/")
    asking.user = person if isinstance(person, User) else person.user
    asking.membership = None if isinstance(person, User) else person  # type: ignore[attr-defined] # as the middleware does
    [group] = navigation(asking)
    assert [item["link"] for item in group["items"] if item["permission"](asking)] == offered
    if offered:
        assert first_page(asking) == offered[0]
    else:
        with pytest.raises(PermissionDenied):
            first_page(asking)


def test_the_menu_is_on_the_pages(administrator: Membership, sign_in: SignIn) -> None:
    page = sign_in(administrator).get(TRAIL).content.decode()
    assert page.index(f'href="{READINGS}"') < page.index(f'href="{TRAIL}"')
    assert FOR_SUPERUSERS[0] not in page
