"""Setting up a second factor, signing in with it and without it: on a phone in Russian, at a desk in English."""

import base64
import hashlib
import hmac
import re
import struct
import time

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from skinsite.accounts.models import Membership
from tests.factories import PASSWORD

WORDS = {
    "en": {
        "app": "Set up an app",
        "shown": "Code that the app shows now",
        "set up": "Set up",
        "kept": "I have kept them",
        "code": "Code of your app, or a recovery code",
        "sign in": "Sign in",
        "add": "Add a key",
        "add it": "Add the key",
        "use": "Use a passkey or security key",
        "name": "Name of the key",
        "must": "Set up a second factor to go on",
        "alone": "Sign in with this key alone, without a password",
        "passkey": "Sign in with a passkey",
        "off": "no longer with passwords",
    },
    "ru": {
        "app": "Настроить приложение",
        "shown": "Код, который приложение показывает сейчас",
        "set up": "Настроить",
        "kept": "Коды сохранены",
        "code": "Код из приложения или код восстановления",
        "sign in": "Войти",
        "add": "Добавить ключ",
        "add it": "Добавить ключ",
        "use": "Войти с ключом",
        "name": "Название ключа",
        "must": "Чтобы продолжить, настройте второй фактор",
        "alone": "Входить только с этим ключом, без пароля",
        "passkey": "Войти с ключом доступа",
        "off": "а не по паролю",
    },
}


HOME = re.compile(r"^https?://[^/]+/$")


@pytest.fixture
def words(context: BrowserContext, size: str, live_server: object) -> dict[str, str]:
    """What the pages say, in the language of this size."""
    language = {"phone": "ru", "desk": "en"}[size]
    url = live_server.url  # type: ignore[attr-defined] # a fixture
    context.add_cookies([{"name": "django_language", "value": language, "url": url}])
    return WORDS[language]


def code_now(secret: str, steps: int = 0) -> str:
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1)
    offset = digest.digest()[-1] & 15
    return f"{(struct.unpack('>I', digest.digest()[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def give_password(page: Page, person: Membership, words: dict[str, str]) -> None:
    page.goto("/login/")
    page.locator("[name=login]").fill(person.user.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name=words["sign in"], exact=True).click()


def sign_out(page: Page) -> None:
    page.context.clear_cookies(name="sessionid")


def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_app_and_its_recovery_codes(page: Page, storage: None, owner: Membership, words: dict[str, str]) -> None:
    owner.clinic.second_factor_required = True
    owner.clinic.save()
    give_password(page, owner, words)
    page.wait_for_url("**/account/second-factor/")
    expect(page.get_by_text(words["must"])).to_be_visible()
    fits(page)
    page.get_by_role("link", name=words["app"]).click()
    secret = page.locator("#totp-secret").inner_text()
    fits(page)
    page.get_by_label(words["shown"]).fill(code_now(secret, -1))
    page.get_by_role("main").get_by_role("button", name=words["set up"], exact=True).click()
    page.wait_for_url("**/codes/")
    codes = page.locator(".recovery-codes code").all_inner_texts()
    fits(page)
    page.get_by_role("link", name=words["kept"]).click()
    sign_out(page)
    give_password(page, owner, words)
    page.wait_for_url("**/second-factor/sign-in/")
    fits(page)
    page.get_by_label(words["code"]).fill("123")
    page.get_by_role("main").get_by_role("button", name=words["sign in"], exact=True).click()
    expect(page.locator(".errorlist")).to_be_visible()
    page.get_by_label(words["code"]).fill(code_now(secret))
    page.get_by_role("main").get_by_role("button", name=words["sign in"], exact=True).click()
    page.wait_for_url(HOME)
    sign_out(page)
    give_password(page, owner, words)
    page.get_by_label(words["code"]).fill(codes[0])
    page.get_by_role("main").get_by_role("button", name=words["sign in"], exact=True).click()
    page.wait_for_url(HOME)


def plug_in(context: BrowserContext, page: Page) -> tuple[CDPSession, str]:
    """The browser's virtual devices, and the id of one that has verified its person."""
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return devices, str(device["authenticatorId"])


def test_a_passkey(
    page: Page, context: BrowserContext, storage: None, owner: Membership, words: dict[str, str]
) -> None:
    devices, device = plug_in(context, page)
    give_password(page, owner, words)
    page.wait_for_url(HOME)
    page.goto("/account/second-factor/")
    page.get_by_role("link", name=words["add"]).click()
    page.get_by_label(words["name"]).fill("Mine")
    fits(page)
    page.get_by_role("button", name=words["add it"]).click()
    page.wait_for_url("**/codes/")
    page.get_by_role("link", name=words["kept"]).click()
    expect(page.get_by_text("Mine", exact=True)).to_be_visible()
    sign_out(page)
    give_password(page, owner, words)
    page.get_by_role("button", name=words["use"]).click()
    page.wait_for_url(HOME)
    sign_out(page)
    # Another key of this device, which nobody has added, is not asked for: without its own the person is told so.
    devices.send("WebAuthn.clearCredentials", {"authenticatorId": device})
    give_password(page, owner, words)
    page.get_by_role("button", name=words["use"]).click()
    expect(page.locator("[data-key-refusal]")).to_be_visible()


def test_a_passkey_signs_in_alone(
    page: Page, context: BrowserContext, storage: None, owner: Membership, words: dict[str, str]
) -> None:
    devices, device = plug_in(context, page)
    give_password(page, owner, words)
    page.wait_for_url(HOME)
    page.goto("/account/second-factor/keys/add/")
    page.get_by_label(words["alone"]).check()
    fits(page)
    page.get_by_role("button", name=words["add it"]).click()
    page.wait_for_url("**/codes/")
    sign_out(page)
    page.goto("/login/?next=/account/")
    fits(page)
    page.get_by_role("button", name=words["passkey"]).click()
    page.wait_for_url("**/account/")
    sign_out(page)
    # A device that has not asked who holds it is one factor, and no way in.
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.goto("/login/")
    page.get_by_role("button", name=words["passkey"]).click()
    expect(page.locator("[data-key-refusal]")).to_be_visible()
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
    # A clinic whose passwords are off takes no passkey either: both are kept by this site.
    owner.clinic.passwords_allowed = False
    owner.clinic.save()
    page.get_by_role("button", name=words["passkey"]).click()
    expect(page.get_by_text(words["off"])).to_be_visible()
    page.goto("/account/")
    page.wait_for_url("**/login/**")
