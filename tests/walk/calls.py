"""How to call every address of the site: found in the registries, filled in with the walk's own records."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.walk.world import World

Fields = dict[str, Any]
MULTIPART = "multipart"
RARE = ("put", "patch", "delete")
"""Methods that no page uses and nothing must answer by more than the others do."""


@dataclass(frozen=True)
class Call:
    """One request: ``route`` is the address as the registry has it, ``case`` tells calls of one route apart."""

    route: str
    path: str
    method: str
    case: str = ""
    data: Fields = field(default_factory=dict, hash=False, compare=False)
    is_of_domain: bool = False

    def __str__(self) -> str:
        return " ".join(filter(None, [self.method.upper(), self.route, self.case]))


@dataclass(frozen=True)
class Route:
    """An address of the registry with its view's module."""

    pattern: str
    module: str


def routes() -> list[Route]:
    """Every address of the site, by walking its registry."""
    return sorted(set(_leaves(get_resolver().url_patterns, "")), key=lambda each: each.pattern)


def _leaves(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for each in patterns:
        whole = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _leaves(each.url_patterns, whole)
        else:
            view = getattr(each.callback, "cls", None) or getattr(each.callback, "view_class", each.callback)
            yield Route(whole, str(view.__module__))


class TellTheWalkError(AssertionError):
    """An address that the walk cannot call: say how in `tests/walk/calls.py`."""


# What stands at the beginning of an address whose identifier is of which record; with p for the patient at hand.
SUBJECTS: list[tuple[str, Callable[[World], object]]] = [
    (r"(api/v1/)?patients/", lambda world: world.p.patient.public_id),
    (r"(api/v1/)?lesions/", lambda world: world.p.lesion.public_id),
    (r"api/v1/visits/", lambda world: world.p.image.examination.visit.public_id),
    (r"api/v1/examinations/", lambda world: world.p.image.examination.public_id),
    (r"api/v1/lesion-readings/", lambda world: world.p.of_lesion.public_id),
    (r"(api/v1/)?images/", lambda world: world.p.image.public_id),
    (r"(api/v1/predictions|readings|admin/classifier/prediction)/", lambda world: world.p.reading.public_id),
    (r"api/v1/reviews/", lambda world: world.p.review.public_id),
    (r"(models|admin/classifier/modelversion)/", lambda world: world.version.public_id),
    (r"trail/patients/", lambda world: world.p.patient.public_id),
    (r"trail/people/", lambda world: world.people["clinician"].user.public_id),  # type: ignore[union-attr] # a member
    (r"clinic/members/", lambda world: world.people["reviewer"].user.public_id),  # type: ignore[union-attr] # a member
    (r"(lesion|patient)-merges/", lambda world: world.version.public_id),  # of none
    (r"tasks/", lambda world: world.task.public_id),
    (r"(account|clinic)/", lambda world: world.version.public_id),  # of none
    (r"admin/accounts/(user|clinic|membership)/", lambda _world: "1"),
]
# Parts of addresses that lead to no record of a patient, whatever stands in them.
PLAIN = {
    "place": "0",
    "uidb36": "1",
    "key": "x",
    "name": "x",
    "provider_id": "x",
    "token": "x",
    "secret": "x",
    "app_label": "classifier",
    "content_type_id": "1",
    "url": "nowhere",
}
IDENTIFIERS = {"public_id", "id", "object_id"}
PARTS = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
SPECIAL = {r"api/v1/": "/api/v1/nowhere/", r"admin/(?P<url>.*)$": "/admin/nowhere/"}


def path_of(route: Route, world: World) -> str:
    """The address, filled in. Raises ``TellTheWalkError`` for one of an unknown kind."""

    def fill(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name in PLAIN:
            return PLAIN[name]
        for beginning, subject in SUBJECTS if name in IDENTIFIERS else ():
            if re.match(beginning, route.pattern):
                return str(subject(world))
        if not route.module.startswith(("classifier", "skinsite")):
            return "x"  # a library's own page, which knows no patient
        raise TellTheWalkError(f"Tell the walk what {name} of {route.pattern} is: {__name__}.SUBJECTS or PLAIN")

    if route.pattern in SPECIAL:
        return SPECIAL[route.pattern]
    return "/" + PARTS.sub(fill, route.pattern).replace("^", "").replace("$", "").replace("\\Z", "")


def queries(world: World) -> dict[str, dict[str, Fields]]:
    """What more to ask of some addresses by GET, and for what; small letters, so that no answer repeats a needle."""
    code = {"patient_code": world.p.patient.code.lower()}
    return {
        "": {"with a lesion": {}},
        "history/": {"searched": {"q": "oxpecker"}, "every standing": {"standing": "all"}},
        "patients/": {"searched": {"q": "code-ox"}},
        "upload/": {"for a code": code, "for a lesion": {"lesion": str(world.p.lesion.public_id)}},
        "upload/patients": {"typed": {"patient_code": "code-"}},
        "upload/lesions": {"typed": code},
        "readings/<uuid:public_id>/": {"just made": {"new-patient": "1"}},
        "readings/<uuid:public_id>/status": {"of a row": {"part": "row"}},
        "patients/<uuid:public_id>/filing/": {"another": {"patient_code": world.q.patient.code.lower()}},
        "trail/": {"saved": {"as": "csv"}},
        "trail/patients/": {"by code": {"code": "code-oxpecker"}},
        "admin/classifier/prediction/": {"searched": {"q": "oxpecker"}},
    }


def forms(world: World) -> dict[str, dict[str, Fields]]:
    """What to send to addresses of the domain that take a form, beside an empty one; those that go well among them."""
    reason = {"reason": "for the walk"}
    place = {"patient_code": world.p.patient.code.lower()}
    sent = {"modality": "dermoscopic", "image": world.p.sent}
    program = {"image": world.p.sent}
    opinion = {"diagnosis": "NV", "certainty": "high"}
    return {
        "upload/": {
            "what is here already": sent,
            "what another has": sent | {"patient_code": world.q.patient.code.lower()},
            "nothing": place | {"modality": "dermoscopic"},
        },
        "patients/new/": {"one that looks alike": {"code": "code-OXPECKER.", "sex": "unknown"}},
        "patients/<uuid:public_id>/edit/": {
            "as it is": {"code": world.p.patient.code, "sex": "female"},
            "one that another has": {"code": world.q.patient.code.lower(), "sex": "female"},
        },
        "patients/<uuid:public_id>/lesions/new/": {"another": {"place_site": "upper_back", "place_side": "left"}},
        "lesions/<uuid:public_id>/edit/": {
            "elsewhere": {"place_site": "cheek", "place_side": "left"},
            "nowhere": {"place_site": "moon", "place_side": "left"},
        },
        "readings/<uuid:public_id>/retry": {},
        "images/<uuid:public_id>/read-again": {},
        "images/<uuid:public_id>/move": {
            "to another": reason | {"patient_code": world.q.patient.code.lower()},
            "of no reason": {"patient_code": world.q.patient.code.lower()},
        },
        "images/<uuid:public_id>/modality": {"clinical": reason | {"modality": "clinical"}},
        "images/<uuid:public_id>/declared": {"an ulcer": reason | {"declared": "ulcer"}},
        "images/<uuid:public_id>/error": {"marked": reason},
        "lesions/<uuid:public_id>/filing/": {"with itself": reason | {"merged": world.p.lesion.number}},
        "patients/<uuid:public_id>/filing/": {"another": reason | {"patient_code": world.q.patient.code.lower()}},
        "lesion-merges/<uuid:public_id>/undo": {"of none": reason},
        "patient-merges/<uuid:public_id>/undo": {"of none": reason},
        "tasks/<uuid:public_id>/done": {},
        "clinic/practice/": {"wrong": {"malignant_percent": "many"}},
        "api/v1/predictions/": {
            "what is here already": program,
            "what another has": program | {"patient_code": world.q.patient.code.lower()},
            "for an examination": program | {"examination": str(world.p.image.examination.public_id)},
        },
        "api/v1/predictions/<uuid:id>/retry/": {},
        "api/v1/visits/": {"one more": {"patient": str(world.p.patient.public_id)}},
        "api/v1/examinations/": {"once more": {"visit": str(world.p.image.examination.visit.public_id)}},
        "admin/classifier/prediction/<path:object_id>/change/": {"an opinion": opinion},
        "admin/classifier/modelversion/<path:object_id>/change/": {},
        "admin/classifier/prediction/": {},
        "admin/classifier/modelversion/": {},
        # Nothing of this is about patients.
        "api/v1/": {},
    }


def calls(world: World) -> list[Call]:
    """Every call of the walk. Raises ``TellTheWalkError`` for an address of an unknown kind."""
    asked, sent, found = queries(world), forms(world), list[Call]()
    for route in routes():
        path, is_of_domain = path_of(route, world), route.module.startswith("classifier")
        for method, more in (("get", asked), ("post", sent)):
            cases: dict[str, Fields] = {"": {}} | more.get(route.pattern, {})
            found += [Call(route.pattern, path, method, case, data, is_of_domain) for case, data in cases.items()]
        found += [Call(route.pattern, path, method, is_of_domain=is_of_domain) for method in RARE]
    return found
