"""Two lesions of a patient are one; and were two after all."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Examination, Lesion, LesionAlias, LesionImage, LesionMerge, Mark
from classifier.services.corrections.record import check_reason, refuse
from classifier.services.locks import lock_clinic
from classifier.services.readings.lesion import conclude
from classifier.services.telling import tell_who_acted
from classifier.services.visits import find_or_create_examination
from skinsite.accounts.actors import Actor
from skinsite.audit.events import written_together
from skinsite.platform.problems import WrongStateError


def merge_lesions(*, actor: Actor, kept: Lesion, merged: Lesion, reason: str) -> LesionMerge:
    """Take two lesions of one patient together: what is of ``merged`` is of ``kept`` since then.

    Raises ``ValidationError`` by field; ``merged`` is that of the lesion that goes.
    """
    policies.require(policies.may_correct_filing(actor) and Lesion.objects.visible_to(actor).contains(kept))
    person = policies.require_person(actor)
    because = check_reason(reason)
    with transaction.atomic(), written_together():
        lock_clinic(actor.clinic)
        kept, merged = _require_two(actor, kept, merged)
        examinations = list(merged.examinations.with_owners().order_by("pk"))
        # Before the examinations: whoever ends a reading holds its photograph and then asks for the examination.
        images = list(LesionImage.objects.of_lesion(merged).select_for_update(of=("self",)).order_by("pk"))
        tell_who_acted(
            actor=actor,
            patient=merged.patient,
            lesion=merged,
            examinations=examinations,
            images=images,
            because=because,
        )
        moved = {
            "examinations": _move_examinations(examinations, to=kept),
            "images": [str(each.public_id) for each in images],
            "marks": _move_marks(of=merged, to=kept),
            "aliases": _pass_numbers(of=merged, to=kept),
        }
        Lesion.objects.filter(pk=merged.pk).update(merged_into=kept)
        made = LesionMerge.objects.create(kept=kept, merged=merged, reason=because, moved=moved, made_by=person)
        audit.lesion_merged(actor=actor, about=kept, merged=merged)
    return made


def undo_lesion_merge(*, actor: Actor, merge: LesionMerge, reason: str) -> LesionMerge:
    """Move back exactly what a merge moved and is still there; what came since stays with the lesion that was kept.

    Raises ``WrongStateError`` where it has been undone already, or the lesion that was kept was merged itself.
    """
    policies.require(policies.may_correct_filing(actor) and LesionMerge.objects.visible_to(actor).contains(merge))
    person = policies.require_person(actor)
    because = check_reason(reason)
    with transaction.atomic(), written_together():
        lock_clinic(actor.clinic)
        lesions = ("kept__patient__clinic", "merged__patient__clinic")
        held = LesionMerge.objects.select_for_update(of=("self",)).select_related(*lesions).get(pk=merge.pk)
        _require_undoable(held)
        images = list(
            LesionImage.objects.of_lesion(held.kept)
            .select_for_update(of=("self",))
            .filter(public_id__in=held.moved["images"])
            .select_related("examination__visit__patient__clinic", "examination__lesion__patient__clinic")
            .order_by("pk")
        )
        before = {each.examination_id: each.examination for each in images}
        tell_who_acted(
            actor=actor,
            patient=held.kept.patient,
            lesion=held.kept,
            examinations=before.values(),
            images=images,
            because=because,
        )
        Lesion.objects.filter(pk=held.merged_id).update(merged_into=None)
        held.merged.merged_into = None
        _move_back(actor, held, images)
        held.undone_at, held.undone_by, held.undone_reason = timezone.now(), person, because
        held.save(update_fields=["undone_at", "undone_by", "undone_reason"])
        audit.lesion_merge_undone(actor=actor, about=held.kept, merged=held.merged)
    return held


def _require_two(actor: Actor, kept: Lesion, merged: Lesion) -> tuple[Lesion, Lesion]:
    """Give both as they are now, with the clinic locked."""
    found = Lesion.objects.visible_to(actor).filter(pk__in=[kept.pk, merged.pk])
    rows = {each.pk: each for each in found.select_related("patient__clinic", "merged_into")}
    if merged.pk not in rows:
        refuse(field="merged", message=_("There is no such lesion in this clinic."), code="does_not_exist")
    kept, merged = rows[kept.pk], rows[merged.pk]
    if kept == merged:
        refuse(field="merged", message=_("This is the same lesion; choose another."), code="same")
    if kept.patient_id != merged.patient_id:
        message = _("This lesion is of another patient. If both are one person, merge the patients first.")
        refuse(field="merged", message=message, code="other_patient")
    for field, lesion in (("kept", kept), ("merged", merged)):
        if lesion.merged_into is not None:
            message = _("Lesion %(number)s was merged into lesion %(into)s already.")
            numbers = {"number": lesion.number, "into": lesion.merged_into.number}
            refuse(field=field, message=message % numbers, code="merged_already")
    _require_no_copies(kept, merged)
    return kept, merged


def _require_no_copies(kept: Lesion, merged: Lesion) -> None:
    """Refuse where both have the same photograph at one visit: of the two one counts."""
    of_kept = set(_bytes_at_visits(kept))
    if any(each in of_kept for each in _bytes_at_visits(merged)):
        message = _(
            "Both lesions have the same photograph at one visit; mark one of the two as entered in error first."
        )
        refuse(field="merged", message=message, code="same_photograph")


def _bytes_at_visits(lesion: Lesion) -> Iterable[tuple[int, str]]:
    return LesionImage.objects.of_lesion(lesion).in_use().values_list("examination__visit", "upload_sha256")


def _move_examinations(examinations: Iterable[Examination], *, to: Lesion) -> list[str]:
    """Move whole examinations, or where the other lesion was looked at too their photographs alone.

    Gives the public ids of those that moved whole; the others stay, without photographs.
    """
    moved = []
    there = {each.visit_id: each for each in to.examinations.with_owners()}
    for examination in examinations:
        other = there.get(examination.visit_id)
        if other is None:
            Examination.objects.filter(pk=examination.pk).update(lesion=to)
            moved.append(str(examination.public_id))
            continue
        LesionImage.objects.filter(examination=examination).update(examination=other)
        conclude(examination)
        conclude(other)
    return moved


def _move_marks(*, of: Lesion, to: Lesion) -> list[str]:
    """Move the marks on overviews that do not show the other lesion already."""
    moving = of.marks.exclude(overview__in=to.marks.values("overview"))
    moved = [str(public_id) for public_id in moving.values_list("public_id", flat=True)]
    Mark.objects.filter(public_id__in=moved).update(lesion=to)
    return moved


def _pass_numbers(*, of: Lesion, to: Lesion) -> list[tuple[str, int]]:
    """Have the other lesion found under the numbers of this one; gives those under which it was not before."""
    numbers = [(of.patient.code, of.number), *of.aliases.values_list("patient_code", "number")]
    known = set(to.aliases.values_list("patient_code", "number"))
    new = [each for each in dict.fromkeys(numbers) if each not in known]
    LesionAlias.objects.bulk_create(LesionAlias(lesion=to, patient_code=code, number=number) for code, number in new)
    return new


def _require_undoable(merge: LesionMerge) -> None:
    if merge.undone_at is not None:
        raise WrongStateError(_("This merge has been undone already."), code="undone_already")
    if merge.kept.merged_into_id is not None:
        message = _("The lesion that was kept was merged into another since then; undo that first.")
        raise WrongStateError(message, code="merged_since")
    if merge.kept.patient_id != merge.merged.patient_id:  # not by any act that is known
        raise WrongStateError(_("The two lesions are of two patients by now."), code="other_patient")


def _move_back(actor: Actor, merge: LesionMerge, images: list[LesionImage]) -> None:
    """Move examinations, photographs, marks and numbers back, and conclude what they leave and join."""
    touched: dict[int, Examination] = {}
    of_kept = Examination.objects.filter(lesion=merge.kept, public_id__in=merge.moved["examinations"])
    for examination in of_kept.with_owners().order_by("pk"):
        Examination.objects.filter(pk=examination.pk).update(lesion=merge.merged)
        since = LesionImage.objects.filter(examination=examination).exclude(public_id__in=merge.moved["images"])
        if since.exists():
            visit = examination.visit
            stays = find_or_create_examination(actor=actor, visit=visit, lesion=merge.kept)
            since.update(examination=stays)
            touched[stays.pk] = stays
        examination.lesion = merge.merged
        touched[examination.pk] = examination
    for image in images:
        if image.examination_id in touched:
            continue
        visit = image.examination.visit
        target = find_or_create_examination(actor=actor, visit=visit, lesion=merge.merged)
        LesionImage.objects.filter(pk=image.pk).update(examination=target)
        touched[target.pk] = target
    left = {each.examination_id: each.examination for each in images}
    for _key, examination in sorted((left | touched).items()):
        conclude(examination)
    merge.kept.marks.filter(public_id__in=merge.moved["marks"]).update(lesion=merge.merged)
    for code, number in merge.moved["aliases"]:
        merge.kept.aliases.filter(patient_code=code, number=number).delete()
