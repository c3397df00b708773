"""Final message of a run: its metrics, and the next command."""

from ml.support.disk import read_json
from ml.training.folder import RunFolder


def describe_end(folder: RunFolder) -> str:
    """A few lines for a terminal; the last is the folder alone, for scripts."""
    summary = read_json(folder.summary)
    lines = [f"{summary['architecture']}: {summary['training_images']} training images"]
    if folder.readings.is_file():
        best = max(read_json(folder.readings).values())
        lines[0] += f", {summary['epochs']} epochs"
        lines.append(f"balanced accuracy on the choosing fold: {best:.3f}")
    if folder.bundle.is_dir():
        lines.append(f"next: python manage.py register_model {folder.bundle}")
        lines.append(f"  or: python manage.py predict --bundle {folder.bundle} IMAGE")
    else:
        lines.append(f"next: python -m ml compare --data DIR --runs {folder.path} OTHER")
    return "\n".join([*lines, str(folder.path)])
