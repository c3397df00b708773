"""An examination as pages show it: its photographs as a strip, and what they gave together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from classifier.models import Examination, LesionImage, LesionReading, Prediction, Status
from classifier.models.prediction import WAITING
from classifier.presentation import lesion_wording
from classifier.presentation.figures import keep_shares_whole


@dataclass(frozen=True, slots=True)
class Frame:
    """A photograph of the strip: its ``number`` within the examination, its own reading, and its part in the lesion's.

    ``weight`` is its share of the pool, None where it has none; ``left_out`` says why. ``is_named``: the lesion's
    reason speaks of it. One that was entered in error has the number 0.
    """

    number: int
    image: LesionImage
    prediction: Prediction | None
    weight: float | None
    left_out: str
    is_named: bool


@dataclass(frozen=True, slots=True)
class ExaminationCard:
    """An examination, its day, its reading in force with the reason in words, and its photographs.

    ``withdrawn`` are those entered in error.
    """

    examination: Examination
    reading: LesionReading | None
    reason: str
    frames: tuple[Frame, ...]
    withdrawn: tuple[Frame, ...]

    @property
    def day(self) -> date:
        """When its photographs were taken."""
        return self.examination.taken_on

    @property
    def pooled(self) -> int:
        """Of how many photographs the reading is; none where they were not taken together."""
        return sum(not each["left_out"] for each in self.reading.inputs) if self.reading else 0

    @property
    def left_out(self) -> int:
        """How many photographs have no part in the reading."""
        return len(self.reading.inputs) - self.pooled if self.reading else 0

    @property
    def waiting(self) -> int:
        """How many photographs are still to be read."""
        return sum(frame.prediction is None or frame.prediction.status in WAITING for frame in self.frames)

    @property
    def unread(self) -> Frame:
        """The photograph that tells how far an examination without a reading is: one that waits, else the first."""
        waiting = (each for each in self.frames if each.prediction is None or each.prediction.status in WAITING)
        return next(waiting, self.frames[0])

    @property
    def is_of_lesion(self) -> bool:
        """Whether it says more than its one photograph does."""
        return len(self.frames) > 1 or bool(self.reading and self.reading.kept_from)

    @property
    def has_measures(self) -> bool:
        """Whether the lesion was measured in any of the photographs."""
        return any(frame.prediction is not None and frame.prediction.lesion_measures for frame in self.frames)


def card_of(examination: Examination) -> ExaminationCard:
    """The card of an examination that has its photographs, in order, and their readings at hand."""
    reading = next(iter(readings_in_force([examination])), None)
    images = list(examination.images.all())
    used = [each for each in images if each.entered_in_error_at is None]
    places = {str(image.public_id): number for number, image in enumerate(used, start=1)}
    return ExaminationCard(
        examination=examination,
        reading=reading,
        reason=keep_shares_whole(lesion_wording.reason_text(reading, places)) if reading else "",
        frames=tuple(_frame(number, image, reading) for number, image in enumerate(used, start=1)),
        withdrawn=tuple(_frame(0, image, None) for image in images if image.entered_in_error_at is not None),
    )


def counting_reading(image: LesionImage) -> Prediction | None:
    """The reading of a photograph that counts, of those at hand, newest first; None without any."""
    readings = image.predictions.all()
    as_known = [each for each in readings if each.is_as_known]
    done = [each for each in as_known if each.status == Status.DONE]
    return next(iter([*done, *as_known, *readings]), None)


def readings_in_force(examinations: Iterable[Examination]) -> list[LesionReading]:
    """The readings of examinations, each with its examination at hand: nothing need ask the database whose it is."""
    found = []
    for examination in examinations:
        if examination.reading is not None:
            examination.reading.examination = examination
            found.append(examination.reading)
    return found


def lead_of(reading: LesionReading) -> str:
    """The public id of the photograph's reading that weighs most in a lesion's, by which its page is found."""
    return str(max(reading.inputs, key=lambda each: each["weight"])["prediction"])


def photographs_of(cards: Sequence[ExaminationCard]) -> list[LesionImage]:
    """All photographs of these cards."""
    return [frame.image for card in cards for frame in (*card.frames, *card.withdrawn)]


def readings_of(cards: Sequence[ExaminationCard]) -> list[Prediction | LesionReading]:
    """All readings that these cards show."""
    own = [frame.prediction for card in cards for frame in (*card.frames, *card.withdrawn) if frame.prediction]
    return [*(card.reading for card in cards if card.reading), *own]


def _frame(number: int, image: LesionImage, reading: LesionReading | None) -> Frame:
    keys = {str(each.public_id) for each in image.predictions.all()}
    told = next((each for each in reading.inputs if each["prediction"] in keys), None) if reading else None
    left_out = lesion_wording.left_out_text(told["left_out"]) if told else ""
    return Frame(
        number=number,
        image=image,
        prediction=counting_reading(image),
        weight=told["weight"] if told and not left_out else None,
        left_out=left_out,
        is_named=reading is not None and str(image.public_id) in reading.named,
    )


def choose_two(cards: Sequence[ExaminationCard], first: str, second: str) -> tuple[tuple[ExaminationCard, Frame], ...]:
    """Two photographs of the cards by public ids, with the card of each, the first and the last taken where an id is of
    none; empty where there are not two."""
    taken = [(card, frame) for card in reversed(cards) for frame in card.frames]
    if len(taken) < 2:  # noqa: PLR2004 two
        return ()
    by_id = {str(each[1].image.public_id): each for each in taken}
    return by_id.get(first, taken[0]), by_id.get(second, taken[-1])
