"""Every command of ``python -m ml``, in groups."""

from ml.verbs import bundles, data, measuring, pipelines, reading, training
from ml.verbs.verb import Verb

GROUPS: dict[str, tuple[Verb, ...]] = {
    "Data": data.VERBS,
    "Training": training.VERBS,
    "Bundles": bundles.VERBS,
    "Reading and comparing": reading.VERBS,
    "Pipelines of several trainings": pipelines.VERBS,
    "Measuring": measuring.VERBS,
}
VERBS: dict[str, Verb] = {verb.name: verb for verbs in GROUPS.values() for verb in verbs}
