"""Where the stages of the best model read and write."""

from dataclasses import dataclass
from pathlib import Path

from ml.pipelines.best_model.plan import Plan, Stage
from ml.training.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where the stages read and write. ``weights``: directory of the ImageNet weights; ``others``: photographs of
    other kinds, clinical and everyday, for the gate of the last stage."""

    plan: Plan
    configs: Path
    data: Path
    weights: Path
    out: Path
    others: tuple[Path, Path] | None = None
    progress: bool = True

    @property
    def training_data(self) -> Path:
        """The official layout without the test fold."""
        return self.out / "data"

    def folder(self, stage: str) -> RunFolder:
        """Where a stage leaves its files."""
        return RunFolder(self.out / stage)

    def is_finished(self, stage: Stage) -> bool:
        """Whether a stage left its last file."""
        return self.folder(stage.name).summary.is_file()
