"""Random data and neurons for the checks of Part V."""

import numpy as np

from gradflows.shallow_relu import OrthogonalData

__all__ = ["draw_data", "draw_neurons"]


def draw_data(rng, n_plus, n_minus, spread=0.5):
    """Orthogonal inputs whose norms and labels vary by a part ``spread`` about 1."""
    signs = np.repeat([1.0, -1.0], [n_plus, n_minus])
    norms, sizes = rng.uniform(1 - spread, 1 + spread, (2, signs.size))
    return OrthogonalData(norms, signs * sizes)


def draw_neurons(rng, data, seen, signs):
    """Directions that see exactly the given samples."""
    sees = np.array([np.isin(np.arange(data.n), row) for row in seen])
    return np.where(sees, 1.0, -1.0) * rng.uniform(0.3, 1.0, sees.shape), np.array(signs, float)
