"""The five samples, and the draws of neurons, that the tests of Part V share."""

import numpy as np

from gradflows.shallow_relu import OrthogonalData, balanced_init

LABELS = np.array([1.0, -0.6, 0.8, -0.9, 1.2])
NORMS = {"equal": np.ones(5), "unequal": np.array([1.0, 0.8, 1.5, 1.2, 0.7])}
TEN = np.log(10)


def data(case):
    """Return five orthogonal inputs in R^7."""
    return OrthogonalData.from_inputs(np.eye(7, 5) * NORMS[case], LABELS)


def neurons(width=100, seed=3):
    """Draw neurons in R^7; both groups have winners, but with (60, 1) the positive one has none."""
    directions, signs = balanced_init(width, 7, rng=np.random.default_rng(seed))
    return directions / np.sqrt(7 * width), signs


def toy():
    """Return the two samples -1/2 and 2 with a bias, labels -1 and 1."""
    return OrthogonalData.from_inputs([[-0.5, 2.0], [1.0, 1.0]], [-1.0, 1.0])
