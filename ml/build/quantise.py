"""Static int8 quantisation of a bundle's ONNX graph by ONNX Runtime; needs the package onnx.

Weights per channel (signed), activations per tensor (unsigned), between QuantizeLinear and DequantizeLinear nodes that
the runtime fuses (Jacob et al., CVPR 2018). An experiment, reported in docs/int8.md: it is not shipped.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)
from tqdm import tqdm

from ml.bundle.draft import copy_files
from ml.bundle.folder import Bundle, check_takes_new_figures, synthetic_view, write_manifest
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import ONNX_FILE, InputSpec
from ml.data.isic import Record
from ml.data.pictures import read_uploaded_pixels
from ml.serve import preprocess
from ml.serve.predictor import DECODED_SIDE_PER_INPUT
from ml.serve.runtime import UInt8Batch
from ml.serve.runtime.onnx import open_session

OPERATORS = ("Conv", "Clip", "Add", "Gemm")
"""Operators computed in int8; statistics and means stay in float.

Clip is included so that a convolution's range ends at its ReLU6: without it the logits are off by 1.0 instead of 0.1
(60 photographs of folds 0 to 3).
"""


class ViewReader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime ships no types
    """Feeds the views of photographs to ONNX Runtime's calibration, one photograph at a time."""

    def __init__(self, records: Sequence[Record], spec: InputSpec, *, progress: bool) -> None:
        self._views = cut_views(records, spec, progress=progress)

    def get_next(self) -> dict[str, UInt8Batch] | None:
        """The next feed, or None at the end."""
        batch = next(self._views, None)
        return None if batch is None else {"views": batch}


def cut_views(records: Sequence[Record], spec: InputSpec, *, progress: bool) -> Iterator[UInt8Batch]:
    """Yield the test-time views (V, S, S, 3) of each record, as for uploads."""
    for record in tqdm(records, "calibrating int8", unit="image", disable=not progress):
        yield preprocess.views(read_uploaded_pixels(record.path, at_least=DECODED_SIDE_PER_INPUT * spec.size), spec)


def quantise_bundle(bundle: Bundle, out: Path, records: Sequence[Record], *, progress: bool = True) -> Bundle:
    """Build the bundle in ``out`` with an int8 ONNX graph, with ranges set on the records.

    The self-test is that of the new graph; calibration, thresholds and detector are still the old ones. The
    TorchScript graph is unchanged. Raises ``BundleError`` for a bundle of an earlier schema.
    """
    check_takes_new_figures(bundle)
    copy_files(bundle, out)
    with tempfile.TemporaryDirectory() as directory:
        prepared = Path(directory) / ONNX_FILE
        # Converts the fp16 weights to float32 and fuses what can be fused.
        quant_pre_process(str(bundle.path / ONNX_FILE), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(out / ONNX_FILE),
            ViewReader(records, bundle.manifest.input, progress=progress),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    session = open_session((out / ONNX_FILE).read_bytes(), threads=1)
    logits = session.run(["logits"], {"views": synthetic_view(bundle.manifest.input.size)})[0][0]
    manifest = replace(
        bundle.manifest,
        name=f"{bundle.manifest.name}-int8",
        files=bundle.manifest.files | {ONNX_FILE: hash_file(out / ONNX_FILE)},
        self_test=replace(bundle.manifest.self_test, logits=tuple(round(float(value), 6) for value in logits)),
    )
    return write_manifest(out, manifest)
