"""Directories of the best model's stages."""

from dataclasses import dataclass
from pathlib import Path

from ml.pipelines.best_model.plan import BestModelPlan, BestModelStage
from ml.training.folder import RunFolder


@dataclass(frozen=True, slots=True)
class BestModelWorkspace:
    """Directories of the stages.

    ``weights``: ImageNet weights; ``others``: photographs of other domains, clinical and everyday, for the
    out-of-distribution detector of the last stage.
    """

    plan: BestModelPlan
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
        """The run folder of a stage."""
        return RunFolder(self.out / stage)

    def is_finished(self, stage: BestModelStage) -> bool:
        """Whether a stage's last file exists."""
        return self.folder(stage.name).summary.is_file()
