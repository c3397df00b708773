"""The error report as an HTML page with thumbnails beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from ml.data.isic import read_isic
from ml.data.pictures import read_pixels
from ml.metrics.estimate import Estimate, table
from ml.pipelines.study.plan import Question
from ml.reports.eda.page import Figure, Image, Page, Section, write_page
from ml.reports.errors.text import describe_doubts
from ml.reports.study import findings
from ml.reports.study.read import list_models, read_study
from ml.taxonomy import CLASSES

THUMBNAIL = (160, 120)
QUALITY = 70
DOUBTS_SHOWN = 12
CREDIT = (
    "Pictures: HAM10000 / ISIC 2018 Task 3, reduced in size, CC BY-NC 4.0: ViDIR Group, Department of Dermatology,"
    " Medical University of Vienna; Tschandl, Rosendahl, Kittler, Scientific Data 5:180161 (2018)."
)
COLUMNS = {
    "balanced_accuracy": "balanced accuracy",
    "malignancy_auc": "malignancy AUC",
    "sensitivity_not_low_risk": "sensitivity",
    "specificity_low_risk": "specificity",
}


def write_error_page(figures: Mapping[str, Any], data: Path, path: Path, *, results: Path, plan: Path) -> None:
    """Write the page of an error report's ``figures``."""
    pictures = Pictures(data, path.parent)
    sections = [
        _show_confusion(figures),
        _show_mistakes(figures, pictures),
        _show_missed(figures, pictures),
        *(_show_part(name, parts) for name, parts in figures["parts"].items() if parts),
        _show_doubts(figures, pictures),
        *_show_study(results, plan, path.parent),
    ]
    page = Page(
        title=f"Where {figures['model']} errs",
        lead=figures["summary"],
        tiles=[
            (f"{figures['images']:,}", f"images of {figures['on']}"),
            (f"{figures['wrong']:,}", "most probably another class than their label"),
            (f"{figures['missed_malignant']} of {figures['malignant']}", "malignant images called low risk"),
            (f"{figures['noisy_labels']['model_doubts']}", "labels doubted by confident learning"),
        ],
        sections=sections,
        files=[("errors.json", "the numbers, as JSON")],
        credit=CREDIT,
    )
    write_page(page, path)


class Pictures:
    """Thumbnails, written beside the page when first shown; those of an earlier report are removed."""

    def __init__(self, data: Path, beside: Path) -> None:
        self.paths = {record.image_id: record.path for record in read_isic(data).records}
        self.directory = beside / "pictures"
        self.directory.mkdir(parents=True, exist_ok=True)
        for old in self.directory.glob("*.webp"):
            old.unlink()

    def show(self, name: str, text: str) -> Image:
        """An image by its id, with a caption."""
        picture = Picture.fromarray(read_pixels(self.paths[name], at_least=THUMBNAIL[1]))
        picture.thumbnail(THUMBNAIL)
        picture.save(self.directory / f"{name}.webp", "WEBP", quality=QUALITY)
        return Image(f"{self.directory.name}/{name}.webp", f"{name}: {text}", f"{name}: {text}")


def _show_confusion(figures: Mapping[str, Any]) -> Section:
    rows = [
        (code, *(str(count) for count in counts), f"{counts[place] / max(1, sum(counts)):.0%}")
        for place, (code, counts) in enumerate(zip(CLASSES, figures["confusion"], strict=True))
    ]
    usual = "; ".join(
        f"{truth} taken for {decided} {number} times ({share:.0%} of {truth})"
        for truth, decided, number, share in figures["confusions"]
    )
    return Section(
        "confusion",
        "Confusion",
        f"Rows: the label; columns: the highest balanced score. The commonest confusions: {usual}.",
        table=table(("label", *CLASSES, "none", "recall"), rows),
    )


def _show_mistakes(figures: Mapping[str, Any], pictures: Pictures) -> Section:
    return Section(
        "mistakes",
        "Surest mistakes",
        "Images whose most probable class is not their label, the surest first.",
        figures=_show_pictures(
            [
                (each, f"{each['truth']}, read as {each['decided']} ({each['probability']:.2f})")
                for each in figures["mistakes"]
            ],
            pictures,
            "A sure mistake is a label to check, a class that looks like another, or a cue taken wrongly.",
        ),
    )


def _show_missed(figures: Mapping[str, Any], pictures: Pictures) -> Section:
    return Section(
        "missed",
        "Malignant and called low risk",
        f"{figures['missed_malignant']} of {figures['malignant']} malignant images have a malignant sum below"
        f" {figures['low_risk_below']:.4f}; those with the least are shown.",
        figures=_show_pictures(
            [(each, f"{each['truth']}, malignant sum {each['malignant']:.3f}") for each in figures["missed"]],
            pictures,
            "The mistakes that matter most: the threshold was set to let one malignant image in twenty through.",
        ),
    )


def _show_part(name: str, parts: Mapping[str, Any]) -> Section:
    rows = [
        (part, its["images"], its["malignant"], *(Estimate.from_json(its[column]) for column in COLUMNS))
        for part, its in parts.items()
    ]
    return Section(
        f"by-{name.replace(' ', '-')}",
        f"By {name}",
        "95 % intervals by bootstrap over lesions; sensitivity: malignant and not low risk; specificity: benign and low"
        " risk. Parts of fewer than 20 images are left out; balanced accuracy is over the classes that a part has.",
        table=table((name, "images", "malignant", *COLUMNS.values()), rows),
    )


def _show_doubts(figures: Mapping[str, Any], pictures: Pictures) -> Section:
    noisy = figures["noisy_labels"]
    chosen = noisy.get("by_both") or noisy["by_model"]
    by = "by the model and by frozen features" if noisy.get("by_both") else "by the model"
    return Section(
        "labels",
        "Labels that look wrong",
        f"{describe_doubts(figures)} Candidates for a second look: a hard case is doubted as a wrong label is.",
        figures=_show_pictures(
            [
                (each, f"labelled {each['given']} ({each['probability_of_given']:.2f}), looks like {each['likely']}")
                for each in chosen[:DOUBTS_SHOWN]
            ],
            pictures,
            f"Doubted {by}; nothing was relabelled or left out.",
        ),
    )


def _show_pictures(items: Sequence[tuple[Mapping[str, Any], str]], pictures: Pictures, means: str) -> list[Figure]:
    images = [pictures.show(each["name"], text) for each, text in items]
    return [Figure(images, "Each with its label and what the model made of it.", means, size="tiles")] if images else []


def _show_study(results: Path, plan_path: Path, beside: Path) -> list[Section]:
    """Leakage and the learning curve, as measured by the study."""
    study = read_study(results, plan_path, beside)
    sections = []
    for question in study.plan.questions:
        models = list_models(study, question)
        if not any(entry.name in study.found for entry in question.entries):
            continue
        if question.key == "leak":
            leaking = study.found[question.entries[0].name]
            text = findings.describe_leak(study.found.get(str(question.baseline), {}), leaking)
            sections.append(Section("leak", question.title, text))
        elif question.along == "training_images":
            sections.append(
                _show_curve(question, findings.describe_curve(question, models), findings.list_points(question, models))
            )
    return sections


def _show_curve(question: Question, text: str, points: Sequence[tuple[float, Estimate]]) -> Section:
    rows = [(f"{place:g}", figure) for place, figure in points]
    return Section("learning-curve", question.title, text, table=table(("training images", "balanced accuracy"), rows))
