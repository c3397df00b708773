"""A graph cut free gives what the network gives, at every size."""

import numpy as np
import pytest
import torch

from ml.bench.network import rebuild_network
from ml.bundle.folder import Bundle, synthetic_view
from ml.errors import UserError
from ml.evaluation.onnx_graph import check_side, cut_bare_network, free_size
from ml.serve.runtime.onnx import open_session

LARGEST_DIFFERENCE = 1e-4


@pytest.mark.parametrize("side", [224, 320, 352])
def test_both_cuts_give_the_logits_of_the_network_at_any_size(bundle: Bundle, side: int) -> None:
    views = np.concatenate((synthetic_view(side), 255 - synthetic_view(side)))
    with torch.inference_mode():
        expected = rebuild_network(bundle)(torch.from_numpy(views))[0].numpy()
    freed = open_session(free_size(bundle).SerializeToString(), threads=1)
    assert np.abs(freed.run(["logits"], {"views": views})[0] - expected).max() < LARGEST_DIFFERENCE
    bare = open_session(cut_bare_network(bundle).SerializeToString(), threads=1)
    mean, std = (255 * np.array(each, np.float32) for each in (bundle.manifest.input.mean, bundle.manifest.input.std))
    pixels = ((views - mean) / std).transpose(0, 3, 1, 2)
    given = {bare.get_inputs()[0].name: np.ascontiguousarray(pixels, np.float32)}
    (logits,) = bare.run(None, given)
    assert np.abs(logits - expected).max() < LARGEST_DIFFERENCE


def test_what_depends_on_the_exported_size_is_left_out(bundle: Bundle) -> None:
    outputs = {output.name for output in free_size(bundle).graph.output}
    assert outputs == {"logits", "embedding", "activation_map"}


@pytest.mark.parametrize("side", [0, 300, 16])
def test_a_side_that_padding_would_spoil_is_refused(side: int) -> None:
    with pytest.raises(UserError, match="multiple of 32"):
        check_side(side)
