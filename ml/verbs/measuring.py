"""Commands that measure speed and memory, and studies of the shipped network."""

from argparse import ArgumentParser
from pathlib import Path

from ml.bundle.folder import DEFAULT_BUNDLE
from ml.data.split import CALIBRATION_FOLD, OPEN_FOLDS
from ml.verbs.verb import Needs, Verb, take_data

REPEATS = 200
SECTIONS = ("parts", "alike", "best", "memory")


def bench(parser: ArgumentParser) -> None:
    """Measure how long a reading takes and where the time goes.

    (a) The predictor, stored bytes in and reading out, against its two unavoidable parts: Pillow's bare decode and the
    bare run of the network on the same views. At 600×450 also against one bare pass of the network, alone, at 224 px
    (needs the package onnx; else left out). All take turns, so that a busy machine slows them alike.
    (b) The network in each way of running it (needs requirements/ml; else left out).
    (d) Peak memory of accepting and reading a large photograph, each in a process of its own.
    (h) An examination of three photographs, read and pooled, against one photograph.
    """
    parser.add_argument("image", nargs="?", type=Path, help="photograph to measure on, resized; default: a drawn one")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"measurements behind each median ({REPEATS})")
    parser.add_argument("--threads", type=int, default=1, help="threads of the network (1)")


def bench_training(parser: ArgumentParser) -> None:
    """Measure how fast the training loop is and where its time goes.

    (a) Milliseconds an image of each part of a step, and of decoding, which the cache does once for all epochs:
    processor time on a CPU, by the clock on a GPU.
    (b) Images a second against timm's own ``train.py`` (``--timm-train``; it is in timm's repository, not in its
    package): identical network, size, batch, precision, memory format, compilation and workers. The two take turns,
    each a process of its own; medians of the turns. Without loader workers the ratio of processor time holds on a busy
    machine too.
    (c) Our fastest way against timm's fastest, each found by trying its ways once.
    (d) Memory of training on 10,015 images of 400×300.
    """
    take_data(parser)
    parser.add_argument("--timm-train", type=Path, help="timm's train.py; without it `alike` and `best` are left out")
    parser.add_argument("--config", type=Path, help="network and recipe; default ml/configs/lite0_cpu.yaml")
    parser.add_argument("--size", type=int, default=128, help="input size in pixels (128)")
    parser.add_argument("--batch-size", type=int, help="default: the configuration's")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of (a) and (b) (fp32)")
    parser.add_argument("--workers", type=int, default=0, help="of both loaders in (b) (0)")
    parser.add_argument("--compile", action="store_true", help="compile both networks in (b)")
    parser.add_argument("--steps", type=int, default=15, help="counted steps of a turn (15)")
    parser.add_argument("--warm-up", type=int, default=4, help="steps before them (4)")
    parser.add_argument("--turns", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="default: all of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")


def views(parser: ArgumentParser) -> None:
    """Write ``docs/views.md``: a comparison of other test-time views.

    Reads fold 4, the only one that chooses, through the bundle's graph at other sizes, other crops, in pairs, and
    mirrored, and compares each with the best single view. Changes no bundle. Milliseconds are this machine's.
    """
    take_data(parser)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="PX", help="sides in pixels, multiples of 32")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="cache of observations, to resume from")
    parser.add_argument("--out", type=Path, help="Markdown file to write; default docs/views.md")


def int8(parser: ArgumentParser) -> None:
    """Write ``docs/int8.md``: accuracy and speed of the network in 8-bit integers.

    Quantises the bundle's ONNX graph on 300 photographs of folds 0 to 3, fits its calibration and thresholds again on
    fold 4, as those of the bundle were, and compares the two there. The bundle is unchanged; ``--keep`` keeps the new
    one. Milliseconds are this machine's.
    """
    take_data(parser)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep here the int8 bundle and what was read")
    parser.add_argument("--out", type=Path, help="Markdown file to write; default docs/int8.md")


def panel(parser: ArgumentParser) -> None:
    """Write ``docs/panel.json`` and ``.md``: a bundle on blurred, noisy, compressed and otherwise changed photographs.

    Reads a fold under fourteen conditions as uploads are read: log loss, balanced accuracy, AUC, melanoma recall,
    outcomes that change, refusals, each with an interval over lesions. With ``--against`` a second bundle and the
    paired differences. ``--naevi`` reads a sample of the naevi, weighted; of the other classes always all are read.
    """
    take_data(parser)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--against", type=Path, help="directory of a bundle to compare it with")
    parser.add_argument("--fold", choices=OPEN_FOLDS, default=CALIBRATION_FOLD, help="fold of the frozen split (4)")
    parser.add_argument("--naevi", type=int, metavar="N", help="number of naevi to read; default: all")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="cache of observations, to resume from")
    parser.add_argument("--out", type=Path, help="JSON file to write, beside it the document; default docs/panel.json")


def soup(parser: ArgumentParser) -> None:
    """Average a run's network with the one it started from in several shares, and judge each by the panel.

    For every share of the run's own weights a bundle is exported to ``OUT/share-…``, calibrated on the run's choosing
    fold as ``export`` does, without a detector; each is compared with share 0, the network before the run, by the rule
    of ``panel``. The figures lie in ``OUT/soup.json``.
    """
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="runs/NAME/checkpoints/last.ckpt")
    take_data(parser)
    parser.add_argument("--weights", type=Path, required=True, help="safetensors file that the run started from")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where bundles and figures go")
    parser.add_argument("--shares", type=float, nargs="+", default=(0.25, 0.5, 0.75), help="besides 0 (0.25 0.5 0.75)")
    parser.add_argument("--naevi", type=int, metavar="N", help="number of naevi to read; default: all")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="cache of observations, to resume from")


def repeatability(parser: ArgumentParser) -> None:
    """Write ``docs/repeatability.json``: how far readings of one lesion differ, by photograph and pooled.

    Reads fold 4 and the test fold, which no network is trained on; that the test fold is read is logged with ``--why``.
    Single photographs, a pool of two against the photograph left out, the pool of all with and without each, a
    melanoma among nevi, and the pooled readings' accuracy; intervals over lesions. The model card shows the figures.
    """
    take_data(parser)
    parser.add_argument("--why", required=True, metavar="TEXT", help="reason for the log of the test fold")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="cache of observations of fold 4, to resume from")
    parser.add_argument("--out", type=Path, help="JSON file to write; default docs/repeatability.json")


VERBS = (
    Verb(name="bench", options=bench, work="ml.bench.reading:main", needs=Needs.BASE),
    Verb(name="bench-training", options=bench_training, work="ml.bench.training:main"),
    Verb(name="views", options=views, work="ml.reports.views:main"),
    Verb(name="panel", options=panel, work="ml.reports.panel:main"),
    Verb(name="soup", options=soup, work="ml.reports.soup:main"),
    Verb(name="repeatability", options=repeatability, work="ml.reports.repeatability:main"),
    Verb(name="int8", options=int8, work="ml.reports.int8:main"),
)
