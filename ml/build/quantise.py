"""A bundle's ONNX graph in 8-bit integers: static quantisation by ONNX Runtime; needs the package onnx.

Weights per channel (signed), activations per tensor (unsigned), between QuantizeLinear and DequantizeLinear nodes that
the runtime fuses (Jacob et al., CVPR 2018). A try, which docs/int8.md judges: nothing of it is shipped.
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
from ml.bundle.folder import Bundle, synthetic_view, write_manifest
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import ONNX_FILE, InputSpec
from ml.data.isic import Record
from ml.data.pictures import read_uploaded_pixels
from ml.serve import preprocess
from ml.serve.predictor import DECODED_SIDE_PER_INPUT
from ml.serve.runtime import UInt8Batch
from ml.serve.runtime.onnx import open_session

OPERATORS = ("Conv", "Clip", "Add", "Gemm")
"""What is computed in integers; statistics and means keep their floats. Clip is named so that a convolution's range
ends where its ReLU6 does: without it the logits are off by 1.0 instead of 0.1 (60 photographs of folds 0 to 3)."""


class ViewReader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime ships no types
    """Hands the views of photographs to the calibration, one photograph at a time."""

    def __init__(self, records: Sequence[Record], spec: InputSpec, *, progress: bool) -> None:
        self._views = cut_views(records, spec, progress=progress)

    def get_next(self) -> dict[str, UInt8Batch] | None:
        """The next feed, None at the end."""
        batch = next(self._views, None)
        return None if batch is None else {"views": batch}


def cut_views(records: Sequence[Record], spec: InputSpec, *, progress: bool) -> Iterator[UInt8Batch]:
    """The views (V, S, S, 3) of each record's photograph, as an upload's are cut."""
    for record in tqdm(records, "calibrating int8", unit="image", disable=not progress):
        yield preprocess.views(read_uploaded_pixels(record.path, at_least=DECODED_SIDE_PER_INPUT * spec.size), spec)


def quantise_bundle(bundle: Bundle, out: Path, records: Sequence[Record], *, progress: bool = True) -> Bundle:
    """The bundle in the draft directory ``out`` with its ONNX graph in int8, ranges set on the records' photographs.

    Its self-test is the new graph's; calibration, thresholds and gate are still those of the old. The TorchScript graph
    stays as it was.
    """
    copy_files(bundle, out)
    with tempfile.TemporaryDirectory() as directory:
        prepared = Path(directory) / ONNX_FILE
        # Widens the weights, which are stored as fp16, and joins what can be joined.
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
