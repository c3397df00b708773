"""Attribution of a bundle: credits for exactly the contents of the bundle."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from ml.bundle.hashing import hash_file
from ml.bundle.manifest import ATTRIBUTION_FILE, DETECTOR_FILE, SIMILAR_CASES_FILE, Manifest

LICENCE = "CC BY-NC 4.0"
"""Licence of weights trained on ISIC 2018 Task 3."""
ATTRIBUTION = """\
# Attribution

The weights in this directory were trained on the images and labels of ISIC 2018 Task 3 (HAM10000) and are shared on the
same terms: **Creative Commons Attribution-NonCommercial 4.0 International (CC BY-NC 4.0)**,
https://creativecommons.org/licenses/by-nc/4.0/. Not for commercial use.

- Images and labels: ViDIR Group, Department of Dermatology, Medical University of Vienna. P. Tschandl, C. Rosendahl,
  H. Kittler, "The HAM10000 dataset, a large collection of multi-source dermatoscopic images of common pigmented skin
  lesions", Scientific Data 5:180161 (2018), https://doi.org/10.1038/sdata.2018.161.
- Challenge: N. Codella et al., "Skin Lesion Analysis Toward Melanoma Detection 2018: A Challenge Hosted by the
  International Skin Imaging Collaboration (ISIC)", https://arxiv.org/abs/1902.03368.
- Architecture and the ImageNet weights that training started from: EfficientNet-Lite, Google (Apache-2.0), through
  PyTorch Image Models (timm), Ross Wightman (Apache-2.0).
"""
"""Attribution of a network, before further contents are added."""
MASK_DECODER = "mask decoder"
CREDITS = {
    SIMILAR_CASES_FILE: """\
- Thumbnails of confirmed cases (similar_cases.npz): images of HAM10000, made smaller, with their diagnoses; ViDIR
  Group, as above, CC BY-NC 4.0.
""",
    MASK_DECODER: """\
- Mask decoder (in both graphs): trained on the lesion masks of HAM10000. P. Tschandl et al., "Human–computer
  collaboration for skin cancer recognition", Nature Medicine 26:1229–1234 (2020),
  https://doi.org/10.1038/s41591-020-0942-0; CC BY-NC 4.0.
""",
    DETECTOR_FILE: """\
- The gate (gate.npz) was fitted, beside images of HAM10000, on the following; none of their pictures is in this
  directory. Clinical photographs of PAD-UFES-20: A. G. C. Pacheco et al., "PAD-UFES-20: A skin lesion dataset composed
  of patient data and clinical images collected from smartphones", Data in Brief 32:106221 (2020),
  https://doi.org/10.1016/j.dib.2020.106221; CC BY 4.0. Everyday photographs of BSDS500: P. Arbelaez, M. Maire,
  C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation", IEEE TPAMI 33(5):898–916 (2011),
  https://doi.org/10.1109/TPAMI.2010.161; research use. Its estimates of where the lesion is, on lesion masks of
  HAM10000: P. Tschandl et al., Nature Medicine 26:1229–1234 (2020), https://doi.org/10.1038/s41591-020-0942-0.
""",
}
"""Credits to add, as list items, by the file or part that requires them.

The detector's is for the photographs that the project's own bundles are fitted on, see docs/research.md.
"""


def credit_contents(attribution: str, contents: Collection[str]) -> str:
    """The text with the credits of these ``contents``, and without those of others."""
    for credit in CREDITS.values():
        attribution = attribution.replace(credit, "")
    return attribution + "".join(credit for name, credit in CREDITS.items() if name in contents)


def write_attribution(directory: Path, manifest: Manifest) -> Manifest:
    """Write the attribution file for the manifest's files; returns the manifest with it.

    Only export knows of a mask decoder: its credit is kept where it exists.
    """
    contents = {*manifest.files} | ({MASK_DECODER} if CREDITS[MASK_DECODER] in manifest.attribution else set())
    text = credit_contents(manifest.attribution, contents)
    (directory / ATTRIBUTION_FILE).write_text(text, encoding="utf-8")
    files = manifest.files | {ATTRIBUTION_FILE: hash_file(directory / ATTRIBUTION_FILE)}
    return replace(manifest, attribution=text, files=files)
