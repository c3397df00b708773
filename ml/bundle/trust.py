"""Trust in TorchScript: a saved program that can run any code when loaded.

An ONNX graph is data and is loaded from any valid bundle. A bundle is identified by the hash of its manifest, which
contains the hashes of its files.
"""

from collections.abc import Collection
from pathlib import Path

from ml.bundle.hashing import hash_file

SHIPPED = frozenset(
    {
        "d411cccbb01b729070589ae52067ad127651ee82b96ad4e80b12e4f5396138f7",  # 1.1
        "c7b16d9d368fcf827d545b9a2629682cbe2c76a85be2a91aeff4d544695b3832",  # 1.1
        "1b01ec641b850b0adde678b919a005f617a3e35cacbd22425a396b3615653965",  # 1.2
        "cdecc1b8d920926505e4cd38d5d87b1cd367078b3d3716e4d42c25461dbecc92",  # 1.3
        "c3a1e8591c4a50cc815b5bcc451122d82d443f5bb2a5604374ff34395697a756",  # 1.3, schema 3
        "13b93dfc44f15883513214ca57021d23fcfb163fde473fc692faf269ce445b15",  # 1.4
    }
)
"""Bundles that came with this software, by the hash of their manifests; add each that is shipped."""


def is_trusted(sha256: str, more: Collection[str], shipped_manifest: Path) -> bool:
    """Whether a bundle came with this software, or is among ``more``, which the operator has listed."""
    if sha256 in SHIPPED or sha256 in more:
        return True
    try:
        return hash_file(shipped_manifest) == sha256
    except OSError:
        return False
