"""Lesions that were two and are one, and were two after all."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from classifier import models
from classifier.models import Examination, Lesion, LesionImage, LesionMerge, LesionReading, Mark, Patient, Task
from classifier.services.filing.lesion_merge import merge_lesions, undo_lesion_merge
from classifier.services.intake import receive_upload
from classifier.services.shown import note_shown
from classifier.services.telling import complete_task
from classifier.services.upload import Upload
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from skinsite.platform.problems import WrongStateError
from tests import factories
from tests.classifier.services.filing.conftest import HIGH, add_lesion, photograph_at

pytestmark = pytest.mark.usefixtures("active_model")


def where(image: LesionImage) -> tuple[Lesion, int]:
    """The lesion and the visit that a photograph is of by now."""
    image.refresh_from_db()
    return image.examination.lesion, image.examination.visit_id


def in_force(lesion: Lesion) -> list[tuple[str, int]]:
    """The outcomes that hold of a lesion, by visit, and of how many photographs."""
    held = LesionReading.objects.in_force().filter(examination__lesion=lesion).order_by("examination__visit")
    return [(each.outcome, len(each.inputs)) for each in held]


@pytest.fixture
def two(owner: Membership, patient: Patient) -> tuple[Lesion, Lesion]:
    """The patient's lesions 1 and 2."""
    return add_lesion(owner, patient), add_lesion(owner, patient)


def test_what_is_of_the_one_is_of_the_other_then(owner: Membership, two: tuple[Lesion, Lesion]) -> None:
    kept, merged = two
    both, later = factories.VisitFactory.create_batch(2, patient=kept.patient)
    first, second = photograph_at(both, kept), photograph_at(both, merged, "suspicious", HIGH)
    alone = photograph_at(later, merged)

    merge = merge_lesions(actor=owner, kept=kept, merged=merged, reason="  the same mole ")

    assert [where(each) for each in (first, second, alone)] == [(kept, both.pk), (kept, both.pk), (kept, later.pk)]
    assert [photographs for _outcome, photographs in in_force(kept)] == [2, 1]
    assert in_force(merged) == []
    emptied = Examination.objects.get(lesion=merged)
    assert (emptied.visit, emptied.reading) == (both, None)
    assert emptied.readings.count() == 1  # what was said stays
    merged.refresh_from_db()
    assert (merged.merged_into, merge.reason) == (kept, "the same mole")
    assert [str(each) for each in kept.aliases.all()] == ["2024-7 L2"]
    assert set(merge.moved["images"]) == {str(second.public_id), str(alone.public_id)}
    assert AuditEvent.objects.filter(action="lesion.merged", object_id=str(kept.public_id)).count() == 1


def test_undone_it_moves_back_exactly_that_and_once(owner: Membership, two: tuple[Lesion, Lesion]) -> None:
    kept, merged = two
    both, later = factories.VisitFactory.create_batch(2, patient=kept.patient)
    stays, goes = photograph_at(both, kept), photograph_at(both, merged, "suspicious", HIGH)
    alone = photograph_at(later, merged)
    merge = merge_lesions(actor=owner, kept=kept, merged=merged, reason="the same mole")
    since = photograph_at(later, kept)

    undo_lesion_merge(actor=owner, merge=merge, reason="two after all")

    assert [where(each) for each in (stays, goes)] == [(kept, both.pk), (merged, both.pk)]
    assert [where(each) for each in (alone, since)] == [(merged, later.pk), (kept, later.pk)]
    assert in_force(kept) == [("low_risk", 1), ("low_risk", 1)]
    assert in_force(merged) == [("suspicious", 1), ("low_risk", 1)]
    merged.refresh_from_db()
    assert merged.merged_into is None
    assert not kept.aliases.exists()
    with pytest.raises(WrongStateError) as refusal:
        undo_lesion_merge(actor=owner, merge=merge, reason="again")
    assert refusal.value.problem().status == 409
    assert AuditEvent.objects.filter(action="lesion.merge_undone").count() == 1


def test_a_photograph_that_was_moved_on_is_not_taken_back(owner: Membership, two: tuple[Lesion, Lesion]) -> None:
    kept, merged = two
    visit = factories.VisitFactory.create(patient=kept.patient)
    photograph_at(visit, kept)
    image = photograph_at(visit, merged)
    merge = merge_lesions(actor=owner, kept=kept, merged=merged, reason="the same mole")
    third = factories.ExaminationFactory.create(visit=visit, lesion=add_lesion(owner, kept.patient))
    LesionImage.objects.filter(pk=image.pk).update(examination=third)

    undo_lesion_merge(actor=owner, merge=merge, reason="two after all")
    assert where(image) == (third.lesion, visit.pk)


def test_merges_are_undone_in_turn(owner: Membership, two: tuple[Lesion, Lesion]) -> None:
    first, second = two
    third = add_lesion(owner, first.patient)
    image = photograph_at(factories.VisitFactory.create(patient=first.patient), first)
    inner = merge_lesions(actor=owner, kept=second, merged=first, reason="one")
    outer = merge_lesions(actor=owner, kept=third, merged=second, reason="one")
    assert [str(each) for each in third.aliases.all()] == ["2024-7 L2", "2024-7 L1"]

    with pytest.raises(WrongStateError) as refusal:
        undo_lesion_merge(actor=owner, merge=inner, reason="two")
    assert refusal.value.code == "merged_since"
    undo_lesion_merge(actor=owner, merge=outer, reason="two")
    undo_lesion_merge(actor=owner, merge=inner, reason="two")
    assert where(image)[0] == first


def test_marks_on_overviews_go_along_and_back(owner: Membership, two: tuple[Lesion, Lesion]) -> None:
    kept, merged = two
    visit = factories.VisitFactory.create(patient=kept.patient)
    bytes_of = {"stored_bytes": 1, "width": 9, "height": 9, "upload_sha256": "a", "stored_sha256": "a"}
    overviews = [
        models.OverviewImage.objects.create(visit=visit, **bytes_of | {"stored_name": name, "upload_sha256": name})
        for name in ("one", "two")
    ]
    Mark.objects.create(overview=overviews[0], lesion=kept, x=0.1, y=0.1)
    stays = Mark.objects.create(overview=overviews[0], lesion=merged, x=0.2, y=0.2)
    goes = Mark.objects.create(overview=overviews[1], lesion=merged, x=0.2, y=0.2)

    merge = merge_lesions(actor=owner, kept=kept, merged=merged, reason="the same mole")
    assert set(Mark.objects.filter(lesion=kept, x=0.2)) == {goes}
    undo_lesion_merge(actor=owner, merge=merge, reason="two after all")
    assert set(Mark.objects.filter(lesion=merged)) == {stays, goes}


@pytest.mark.parametrize("case", ["itself", "stranger", "other_patient", "merged_already", "copies"])
def test_what_cannot_be_one_lesion_is_refused_at_the_field(
    case: str, owner: Membership, stranger: Membership, two: tuple[Lesion, Lesion]
) -> None:
    kept, merged = two
    if case == "itself":
        merged, code = kept, "same"
    elif case == "stranger":
        merged, code = factories.LesionFactory.create(patient__clinic=stranger.clinic), "does_not_exist"
    elif case == "other_patient":
        merged, code = factories.LesionFactory.create(patient__clinic=owner.clinic), "other_patient"
    elif case == "merged_already":
        merge_lesions(actor=owner, kept=add_lesion(owner, kept.patient), merged=merged, reason="one")
        code = "merged_already"
    else:
        visit = factories.VisitFactory.create(patient=kept.patient)
        sha256 = photograph_at(visit, kept).upload_sha256
        image = photograph_at(visit, merged)
        LesionImage.objects.filter(pk=image.pk).update(upload_sha256=sha256)
        code = "same_photograph"
    count = LesionMerge.objects.count()

    with pytest.raises(ValidationError) as refusal:
        merge_lesions(actor=owner, kept=kept, merged=merged, reason="one")
    assert refusal.value.error_dict["merged"][0].code == code
    assert LesionMerge.objects.count() == count


def test_only_who_may_correct_the_records_of_the_clinic_merges(
    owner: Membership, stranger: Membership, colleague: Membership, two: tuple[Lesion, Lesion]
) -> None:
    kept, merged = two
    with pytest.raises(PermissionDenied):
        merge_lesions(actor=stranger, kept=kept, merged=merged, reason="one")
    with pytest.raises(ValidationError, match="why"):
        merge_lesions(actor=owner, kept=kept, merged=merged, reason=" ")
    merge = merge_lesions(actor=colleague, kept=kept, merged=merged, reason="one")
    with pytest.raises(PermissionDenied):
        undo_lesion_merge(actor=stranger, merge=merge, reason="two")
    assert list(LesionMerge.objects.visible_to(owner)) == [merge]
    assert not LesionMerge.objects.visible_to(stranger).exists()


def test_who_had_seen_a_reading_or_given_an_opinion_has_a_task_until_it_is_done(
    owner: Membership, colleague: Membership, reviewer: Membership, stranger: Membership, two: tuple[Lesion, Lesion]
) -> None:
    kept, merged = two
    image = photograph_at(factories.VisitFactory.create(patient=kept.patient), merged, "suspicious", HIGH)
    note_shown(actor=colleague, shown=[image.predictions.get()])
    factories.ReviewFactory.create(prediction=image.predictions.get(), reviewer=reviewer.user)

    merge = merge_lesions(actor=owner, kept=kept, merged=merged, reason="the same mole")
    told = {(each.person, each.lesion, each.because) for each in Task.objects.visible_to(owner)}
    assert told == {(each.user, merged, "the same mole") for each in (colleague, reviewer)}
    undo_lesion_merge(actor=owner, merge=merge, reason="two after all")
    assert Task.objects.filter(lesion=kept, person=colleague.user).count() == 1

    task = Task.objects.filter(person=colleague.user).earliest("pk")
    assert not Task.objects.visible_to(stranger).exists()
    with pytest.raises(PermissionDenied):
        complete_task(actor=stranger, task=task)
    done = complete_task(actor=colleague, task=task).done_at
    assert complete_task(actor=owner, task=task).done_at == done
    assert Task.objects.get(pk=task.pk).done_by == colleague.user


def test_a_lesion_that_was_merged_takes_no_photographs(
    owner: Membership, two: tuple[Lesion, Lesion], photograph: bytes
) -> None:
    kept, merged = two
    merge_lesions(actor=owner, kept=kept, merged=merged, reason="the same mole")
    with pytest.raises(ValidationError) as refusal:
        receive_upload(actor=owner, upload=Upload(data=photograph, lesion=merged))
    assert refusal.value.error_dict["lesion"][0].code == "merged"
    merged.refresh_from_db()
    with pytest.raises(ValidationError, match="lesion 1"):
        receive_upload(actor=owner, upload=Upload(data=photograph, lesion=merged))
    assert not LesionImage.objects.exists()
