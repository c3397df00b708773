"""Stages are worked off: finished ones are skipped, needs and time are kept, failures counted, what runs is stopped."""

import pytest

from ml.errors import UserError
from ml.pipelines.stages import Stage, StageRunner, Work


class Diary:
    """Stages that take some turns, and what they did, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.finished: set[str] = set()

    def stage(
        self, name: str, *, turns: int = 1, needs: tuple[Stage, ...] = (), minutes: float = 0, fails: bool = False
    ) -> Stage:
        def run() -> Work:
            try:
                for turn in range(turns):
                    self.entries.append(f"{name} {turn}")
                    yield name
                if fails:
                    raise UserError(f"{name}: the disk is full")
                self.finished.add(name)
            finally:
                self.entries.append(f"{name} stops")

        return Stage(
            name,
            is_finished=lambda: name in self.finished,
            run=run,
            skip=lambda: self.entries.append(f"{name} skipped"),
            needs=needs,
            minutes=minutes,
        )


@pytest.fixture
def diary() -> Diary:
    return Diary()


def test_stages_run_in_order_and_finished_ones_are_skipped(diary: Diary, capsys: pytest.CaptureFixture[str]) -> None:
    diary.finished.add("two")
    stages = [diary.stage(name) for name in ("one", "two", "three")]
    assert StageRunner(stages).run("Test", progress=False) == {}
    assert diary.entries == ["two skipped", "one 0", "one stops", "three 0", "three stops"]
    assert capsys.readouterr().out.splitlines() == [
        "stage 2 of 3, two: already finished",
        "stage 1 of 3, one: started",
        "stage 1 of 3, one: done in 0.0 min",
        "stage 3 of 3, three: started",
        "stage 3 of 3, three: done in 0.0 min",
    ]


def test_a_bar_counts_stages(diary: Diary, capsys: pytest.CaptureFixture[str]) -> None:
    diary.finished.add("one")
    StageRunner([diary.stage("one"), diary.stage("two", fails=True)], after_failure="go on").run("Test")
    said = capsys.readouterr().err
    assert "Test:  50%" in said
    assert "| 2/2 [" in said


def test_as_many_stages_run_at_once_as_may(diary: Diary) -> None:
    StageRunner([diary.stage(name, turns=2) for name in "abc"], at_once=2).run("Test", progress=False)
    assert diary.entries[:4] == ["a 0", "b 0", "a 1", "b 1"]
    assert diary.entries.index("c 0") > diary.entries.index("b stops")


def test_a_stage_waits_for_what_it_needs(diary: Diary) -> None:
    first = diary.stage("first", turns=2)
    StageRunner([first, diary.stage("second", needs=(first,))], at_once=2).run("Test", progress=False)
    assert diary.entries == ["first 0", "first 1", "first stops", "second 0", "second stops"]


def test_a_stage_that_lacks_another_is_refused(diary: Diary) -> None:
    needed = diary.stage("needed")
    stages = [diary.stage("alone"), diary.stage("dependent", needs=(needed,))]
    with pytest.raises(UserError, match=r"dependent: needs needed; run that stage first"):
        StageRunner(stages).run("Test", progress=False)
    assert diary.entries == ["alone 0", "alone stops"]


def test_what_needs_a_failed_stage_fails_too_and_the_rest_goes_on(diary: Diary) -> None:
    failing = diary.stage("failing", fails=True)
    stages = [failing, diary.stage("dependent", needs=(failing,)), diary.stage("other")]
    failures = StageRunner(stages, after_failure="go on").run("Test", progress=False)
    assert list(failures) == ["failing", "dependent"]
    assert diary.finished == {"other"}


def test_nothing_starts_that_might_not_end_in_time(diary: Diary, capsys: pytest.CaptureFixture[str]) -> None:
    stages = [diary.stage("short", minutes=2), diary.stage("long", minutes=8), diary.stage("after", minutes=1)]
    StageRunner(stages, minutes=7).run("Test", progress=False)
    assert diary.finished == {"short"}
    said = capsys.readouterr().out
    assert "stage 2 of 3, long: not started, as it may take 8 minutes; run the command again" in said
    assert "after" not in said


def test_after_a_failure_what_runs_may_end_and_nothing_starts(diary: Diary, capsys: pytest.CaptureFixture[str]) -> None:
    stages = [diary.stage("failing", fails=True), diary.stage("long", turns=3), diary.stage("never")]
    failures = StageRunner(stages, at_once=2, after_failure="start nothing").run("Test", progress=False)
    assert failures == {"failing": "failing: the disk is full"}
    assert diary.finished == {"long"}
    assert "failing: failed: failing: the disk is full" in capsys.readouterr().err


def test_a_failure_that_is_raised_stops_what_runs(diary: Diary) -> None:
    stages = [diary.stage("failing", fails=True), diary.stage("long", turns=3)]
    with pytest.raises(UserError, match="the disk is full"):
        StageRunner(stages, at_once=2).run("Test", progress=False)
    assert diary.entries[-1] == "long stops"
    assert diary.finished == set()


def test_an_interrupt_stops_what_runs(diary: Diary) -> None:
    def interrupt() -> Work:
        yield "interrupting"
        raise KeyboardInterrupt

    interrupting = Stage("interrupting", is_finished=lambda: False, run=interrupt, skip=lambda: None)
    with pytest.raises(KeyboardInterrupt):
        StageRunner([diary.stage("long", turns=9), interrupting], at_once=2).run("Test", progress=False)
    assert diary.entries[-1] == "long stops"
    assert diary.finished == set()
