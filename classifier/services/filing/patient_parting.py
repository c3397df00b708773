"""Two patients were taken for one: what a merge moved goes back, and what came since stays."""

from dataclasses import dataclass, field
from functools import cached_property

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Examination, Lesion, LesionAlias, LesionImage, Mark, OverviewImage, PatientMerge, Visit
from classifier.services.corrections.record import check_reason
from classifier.services.lesions import add_lesion, next_number
from classifier.services.locks import lock_clinic
from classifier.services.readings.lesion import conclude
from classifier.services.telling import tell_who_acted
from classifier.services.visits import find_or_create_examination, find_or_create_visit
from skinsite.accounts.actors import Actor
from skinsite.audit.events import written_together
from skinsite.platform.problems import WrongStateError


def undo_patient_merge(*, actor: Actor, merge: PatientMerge, reason: str) -> PatientMerge:
    """Move back exactly what a merge moved and is still there.

    What came since stays with the patient who was kept: photographs added to a lesion that goes back are those of a new
    lesion. Raises ``WrongStateError`` where it has been undone already, or where later acts must be undone first.
    """
    policies.require(policies.may_correct_filing(actor) and PatientMerge.objects.visible_to(actor).contains(merge))
    person = policies.require_person(actor)
    because = check_reason(reason)
    with transaction.atomic(), written_together():
        lock_clinic(actor.clinic)
        rows = PatientMerge.objects.select_for_update(of=("self",)).select_related("kept__clinic", "merged__clinic")
        held = rows.get(pk=merge.pk)
        parting = Parting(actor, held)
        parting.require_possible()
        examinations = Examination.objects.filter(lesion__in=parting.going)
        images = LesionImage.objects.filter(examination__in=examinations)
        tell_who_acted(actor=actor, patient=held.kept, examinations=examinations, images=images, because=because)
        parting.part()
        held.undone_at, held.undone_by, held.undone_reason = timezone.now(), person, because
        held.save(update_fields=["undone_at", "undone_by", "undone_reason"])
        audit.patient_merge_undone(actor=actor, about=held.kept, merged=held.merged)
    return held


@dataclass
class Parting:
    """One merge of patients on its way back; use it with the clinic locked."""

    actor: Actor
    merge: PatientMerge
    _twins: dict[int, Lesion] = field(default_factory=dict)
    _touched: set[int] = field(default_factory=set)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The former number of each lesion that was moved, by its public id."""
        return dict(self.merge.moved["lesions"])

    @cached_property
    def going(self) -> list[Lesion]:
        """The lesions that go back: those that were moved, and those that were split off them since."""
        lesions = Lesion.objects.filter(patient=self.merge.kept)
        split_off = lesions.filter(examinations__images__public_id__in=self.merge.moved["images"])
        return list(lesions.filter(Q(public_id__in=self.numbers) | Q(pk__in=split_off.values("pk"))).order_by("number"))

    @property
    def _moved_images(self) -> list[str]:
        images: list[str] = self.merge.moved["images"]
        return images

    def require_possible(self) -> None:
        """Raise ``WrongStateError`` where what was moved cannot be told from what is the other patient's."""
        if self.merge.undone_at is not None:
            raise WrongStateError(_("This merge has been undone already."), code="undone_already")
        if self.merge.kept.merged_into_id is not None:
            message = _("The patient who was kept was merged into another since then; undo that first.")
            raise WrongStateError(message, code="merged_since")
        for lesion in self.going:
            is_split_off = str(lesion.public_id) not in self.numbers
            if is_split_off and self._since(Examination.objects.filter(lesion=lesion)).exists():
                message = _("Lesion %(number)s has photographs of both patients by now; move those of one first.")
                raise WrongStateError(message % {"number": lesion.number}, code="mixed")
        going = {each.pk for each in self.going}
        for lesion in Lesion.objects.filter(patient=self.merge.kept, merged_into__isnull=False):
            if (lesion.pk in going) != (lesion.merged_into_id in going):
                message = _("Lesion %(number)s was merged with one of the other patient since then; undo that first.")
                raise WrongStateError(message % {"number": lesion.number}, code="lesions_merged_since")

    def part(self) -> None:
        """Move everything back, and conclude the examinations that gained or lost photographs."""
        merged, kept = self.merge.merged, self.merge.kept
        type(merged).objects.filter(pk=merged.pk).update(merged_into=None)
        merged.merged_into = None
        Visit.objects.filter(patient=kept, public_id__in=self.merge.moved["visits"]).update(patient=merged)
        for lesion in self.going:
            self._take_back(lesion)
        for examination in self._examinations(lesion__in=self.going):
            self._sort(examination)
        for examination in self._examinations(lesion__patient=kept, visit__patient=merged):
            self._keep_look(examination)
        overviews = OverviewImage.objects.filter(visit__patient=merged).exclude(
            public_id__in=self.merge.moved["overviews"]
        )
        for overview in overviews.select_related("visit"):
            overview.visit = self._visit_of_kept(overview.visit)
            overview.save(update_fields=["visit"])
        self._sort_marks()
        for examination in self._examinations(pk__in=self._touched):
            conclude(examination)

    def _examinations(self, **which: object) -> list[Examination]:
        return list(Examination.objects.filter(**which).with_owners().order_by("pk"))

    def _since(self, examinations: QuerySet[Examination]) -> QuerySet[LesionImage]:
        return LesionImage.objects.filter(examination__in=examinations).exclude(public_id__in=self._moved_images)

    def _take_back(self, lesion: Lesion) -> None:
        """Give a lesion its former patient and number; it is found by the one that it had meanwhile."""
        merged, kept = self.merge.merged, self.merge.kept
        number = self.numbers.get(str(lesion.public_id)) or next_number(merged)
        LesionAlias.objects.filter(lesion=lesion, patient_code=merged.code, number=number).delete()
        LesionAlias.objects.get_or_create(lesion=lesion, patient_code=kept.code, number=lesion.number)
        lesion.patient, lesion.number = merged, number
        lesion.save(update_fields=["patient", "number"])

    def _sort(self, examination: Examination) -> None:
        """Of a lesion that goes back: leave what came since with the patient who was kept."""
        merged = self.merge.merged
        images = LesionImage.objects.filter(examination=examination)
        since = images.exclude(public_id__in=self._moved_images)
        if examination.visit.patient_id == merged.pk:
            if since.exists():
                visit = self._visit_of_kept(examination.visit)
                self._move(since, examination, visit=visit, lesion=self._twin(examination.lesion))
            return
        before = images.filter(public_id__in=self._moved_images)
        if before.exists():
            visit = find_or_create_visit(actor=self.actor, patient=merged, day=examination.visit.day)
            self._move(before, examination, visit=visit, lesion=examination.lesion)
        examination.lesion = self._twin(examination.lesion)
        examination.save(update_fields=["lesion"])

    def _keep_look(self, examination: Examination) -> None:
        """Of a lesion that stays, at a visit that goes back: it was at the other patient's of that day."""
        visit = self._visit_of_kept(examination.visit)
        if Examination.objects.filter(visit=visit, lesion=examination.lesion).exists():
            images = LesionImage.objects.filter(examination=examination)
            self._move(images, examination, visit=visit, lesion=examination.lesion)
        else:
            examination.visit = visit
            examination.save(update_fields=["visit"])

    def _sort_marks(self) -> None:
        """No mark says of one patient's overview where a lesion of the other's is."""
        merged, kept = self.merge.merged, self.merge.kept
        astray = Mark.objects.filter(overview__visit__patient__in=[merged, kept]).exclude(
            lesion__patient=F("overview__visit__patient")
        )
        for mark in astray.select_related("lesion"):
            twin = self._twins.get(mark.lesion_id)
            if twin is None:
                mark.delete()
            else:
                mark.lesion = twin
                mark.save(update_fields=["lesion"])

    def _move(self, images: QuerySet[LesionImage], examination: Examination, *, visit: Visit, lesion: Lesion) -> None:
        target = find_or_create_examination(actor=self.actor, visit=visit, lesion=lesion)
        images.update(examination=target)
        self._touched |= {examination.pk, target.pk}

    def _visit_of_kept(self, visit: Visit) -> Visit:
        return find_or_create_visit(actor=self.actor, patient=self.merge.kept, day=visit.day)

    def _twin(self, lesion: Lesion) -> Lesion:
        """The lesion of the patient who was kept that has what came since to one that goes back."""
        if lesion.pk not in self._twins:
            self._twins[lesion.pk] = add_lesion(
                actor=self.actor,
                patient=self.merge.kept,
                body_site=lesion.body_site,
                side=lesion.side,
                label=lesion.label,
            )
        return self._twins[lesion.pk]
