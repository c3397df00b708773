"""Verification that two photographs show the same skin: matched keypoints under one common transformation.

Sources: SIFT, D. Lowe, IJCV 60 (2004); RootSIFT, Arandjelović and Zisserman, CVPR 2012; RANSAC, Fischler and Bolles,
CACM 24 (1981).
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ml.data.pictures import read_pixels

Float32Array = npt.NDArray[np.float32]

SIDE = 300
"""Shorter side in pixels at which keypoints are detected."""
MOST_KEYPOINTS = 600
LEAST_CONTRAST = 0.02
MAX_DISTANCE_RATIO = 0.85
"""Largest ratio of the distances to the nearest and second nearest keypoint (Lowe, section 7.1)."""
TOLERANCE_PIXELS = 4.0
MAX_ZOOM = 4.0
LEAST_POINTS = 4


class KeypointMatcher:
    """Counts matching keypoints, with a cache of recent images; thread-safe."""

    def __init__(self, *, kept_images: int = 2000) -> None:
        self._find = lru_cache(kept_images)(self._find_keypoints)

    def count_matches(self, first: Path, second: Path) -> int:
        """Number of RANSAC inliers of two image files under one similarity transform; 0 if none is plausible."""
        (first_points, first_features), (second_points, second_features) = self._find(first), self._find(second)
        if min(len(first_points), len(second_points)) < 2 * LEAST_POINTS:
            return 0
        matches = _match(first_features, second_features)
        if len(matches) < LEAST_POINTS:
            return 0
        motion, agree = cv2.estimateAffinePartial2D(
            first_points[matches[:, 0]], second_points[matches[:, 1]], ransacReprojThreshold=TOLERANCE_PIXELS
        )
        if motion is None or not 1 / MAX_ZOOM < np.hypot(motion[0, 0], motion[1, 0]) < MAX_ZOOM:
            return 0
        return int(agree.sum())

    @staticmethod
    def _find_keypoints(path: Path) -> tuple[Float32Array, Float32Array]:
        """Positions (K, 2) in pixels and features (K, 128) of unit length, on a grey copy with equalised contrast."""
        pixels = read_pixels(path, at_least=SIDE)
        scale = SIDE / min(pixels.shape[:2])
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grey = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(grey)
        detector = cv2.SIFT.create(nfeatures=MOST_KEYPOINTS, contrastThreshold=LEAST_CONTRAST)
        keypoints, features = detector.detectAndCompute(grey, None)
        if not keypoints:
            return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
        positions = np.array([keypoint.pt for keypoint in keypoints], np.float32)
        roots = np.sqrt(features / np.maximum(features.sum(axis=1, keepdims=True), 1e-7))
        return positions, np.asarray(roots, np.float32)


def _match(first: Float32Array, second: Float32Array) -> npt.NDArray[np.int64]:
    """Index pairs (M, 2) of mutually nearest features that pass the ratio test."""
    likeness = first @ second.T
    order = np.argpartition(-likeness, 1, axis=1)[:, :2]
    rows = np.arange(len(first))
    top = likeness[rows[:, None], order]
    best = order[rows, top.argmax(axis=1)]
    distances = np.sqrt(np.maximum(2 - 2 * np.sort(top, axis=1)[:, ::-1], 0))
    mutual = likeness.argmax(axis=0)[best] == rows
    kept = mutual & (distances[:, 0] < MAX_DISTANCE_RATIO * distances[:, 1])
    return np.stack([rows[kept], best[kept]], axis=1)
