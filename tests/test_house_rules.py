"""Rules that every file of the site keeps: who may open a route is said at the route, views ask no model, and tasks are
sent once what they are about is committed."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from skinsite.accounts.permissions import IsMember
from tests.skinsite.test_urls import PUBLIC

ROOT = Path(__file__).parents[1]
SITE = [path for name in ("skinsite", "classifier") for path in sorted((ROOT / name).rglob("*.py"))]
ROOMS_OF_VIEWS = {"web", "api", "views", "admin"}
VIEWS = [path for path in SITE if ROOMS_OF_VIEWS & set(path.relative_to(ROOT).with_suffix("").parts)]

GUARDS = {"member_required", "member_or_token_required", "administrator_required", "person_required", "trail_required"}
# Guarded by Django itself.
BY_DJANGO = {
    "account_change_password",
    "account_reauthenticate",
    *(f"mfa_{name}" for name in ("index", "reauthenticate", "activate_totp", "deactivate_totp")),
    *(f"mfa_{name}_recovery_codes" for name in ("view", "generate", "download")),
    *(f"mfa_{name}_webauthn" for name in ("list", "add", "reauthenticate", "remove")),
}

SENDING = {"send_task", "delay", "apply_async"}
SENDING_BY = {"tasks.send", "handover.submit"}
# Who sends at all: each after the commit, or of what is committed already.
SENDERS = {
    "skinsite/platform/tasks.py",
    "skinsite/accounts/services/notices.py",
    "classifier/tasks.py",
    "classifier/services/registry.py",
    "classifier/services/readings/handover.py",
    "classifier/services/readings/queue.py",
}


def routes(resolver: URLResolver) -> Iterator[tuple[str, Any]]:
    """Every address below, with what answers it; the admin's pages ask again, and have a test of their own."""
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            yield one.name or str(one.pattern), one.callback
        elif one.namespace != "admin":
            yield from routes(one)


def guard_of(view: Any) -> str | None:
    """The decorator that lets people in, wherever it stands among the others; a class of the API says it itself."""
    if IsMember in getattr(getattr(view, "cls", None), "permission_classes", ()):
        return IsMember.__name__
    while view is not None:
        name = view.__code__.co_qualname.partition(".")[0] if hasattr(view, "__code__") else ""
        if name in GUARDS:
            return str(name)
        view = getattr(view, "__wrapped__", None)
    return None


def test_every_route_names_who_may_open_it() -> None:
    found = dict(routes(get_resolver()))
    assert len(found) > 50
    without = {name for name, view in found.items() if guard_of(view) is None}
    assert without == {name for name in PUBLIC if not name.startswith("admin:")} | BY_DJANGO


def test_a_view_without_a_guard_is_found() -> None:
    def view() -> None: ...

    assert guard_of(view) is None


def asked_models(tree: ast.AST) -> list[int]:
    """The lines that ask a model for rows: by a manager, or by handing the class to a shortcut."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("objects", "_default_manager"))
        or (isinstance(node, ast.Call) and _name(node.func).endswith("_or_404") and _name(node.args[0])[:1].isupper())
    ]


def uncommitted(tree: ast.AST) -> list[int]:
    """The lines that send a task, or hand over a reading, inside a transaction and not by ``on_commit``."""
    return [node.lineno for node in _calls_in_transactions(tree, inside=False)]


def _calls_in_transactions(node: ast.AST, *, inside: bool) -> Iterator[ast.Call]:
    if isinstance(node, ast.Call) and _name(node.func) == "on_commit":
        return
    if inside and _is_sending(node):
        assert isinstance(node, ast.Call)
        yield node
    if isinstance(node, ast.With):
        inside = inside or any(_name(item.context_expr) == "atomic" for item in node.items)
    if isinstance(node, ast.FunctionDef):
        inside = any(_name(decorator) == "atomic" for decorator in node.decorator_list)
    for child in ast.iter_child_nodes(node):
        yield from _calls_in_transactions(child, inside=inside)


def _name(node: ast.AST) -> str:
    """The last word of what is called or named."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_sending(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and (_name(node.func) in SENDING or ast.unparse(node.func) in SENDING_BY)


def _sends(tree: ast.AST) -> bool:
    return any(map(_is_sending, ast.walk(tree)))


def _broken(paths: list[Path], rule: Callable[[ast.AST], list[int]]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{line}" for path in paths for line in rule(ast.parse(path.read_text()))]


def test_views_ask_no_model_themselves() -> None:
    assert len(VIEWS) > 25
    assert _broken(VIEWS, asked_models) == []


def test_tasks_are_sent_after_the_commit_by_few() -> None:
    assert _broken(SITE, uncommitted) == []
    senders = {str(path.relative_to(ROOT)) for path in SITE if _sends(ast.parse(path.read_text()))}
    assert senders == SENDERS


def test_docstrings_transactions_and_errors_are_written_in_one_style() -> None:
    other_style = re.compile(r'^\s+(Raises:|msg = f?".*)$|^@transaction\.atomic', re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in SITE if other_style.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (asked_models, "Patient.objects.get(pk=1)"),
        (asked_models, "get_object_or_404(Patient, pk=1)"),
        (asked_models, "get_object_or_404(LesionImage, pk=1)"),
        (uncommitted, "with transaction.atomic():\n    row.save()\n    handover.submit(row.pk)"),
        (uncommitted, "@transaction.atomic\ndef write():\n    task.delay(1)"),
        (uncommitted, "with open('x'), transaction.atomic(using='y'):\n    tasks.send('name', 1)"),
    ],
)
def test_what_breaks_a_rule_is_found(rule: Callable[[ast.AST], list[int]], source: str) -> None:
    assert len(rule(ast.parse(source))) == 1


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (asked_models, "get_object_or_404(patients_of(actor), pk=1)"),
        (uncommitted, "with transaction.atomic():\n    transaction.on_commit(lambda: handover.submit(1))"),
        (uncommitted, "with transaction.atomic():\n    row.save()\nhandover.submit(row.pk)"),
    ],
)
def test_what_keeps_a_rule_is_let_through(rule: Callable[[ast.AST], list[int]], source: str) -> None:
    assert rule(ast.parse(source)) == []
