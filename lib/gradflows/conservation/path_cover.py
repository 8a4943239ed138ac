"""A few paths of a layered network whose gradients span those of all paths."""

import numpy as np

from gradflows.conservation.complete_lists import parameter_count, split_layers
from gradflows.conservation.jets import residues
from gradflows.modular import PRIME


def covering_paths(widths, bias=False):
    r"""For each parameter one path from an input, or from a hidden bias, to an output.

    The path of a parameter comes from, and leads to, the first neuron of every layer that the
    parameter does not touch. The incidence vectors of these paths span all flows that are
    conserved at the hidden neurons: a flow f equals :math:`\sum_e f_e p_e` minus, for each
    hidden neuron, its throughput times one of these paths.

    Parameters
    ----------
    widths : tuple of int
        ``(d_0, ..., d_h)``, input first.
    bias : bool
        Whether the hidden layers have biases.

    Returns
    -------
    list of list of int
        The parameters along each path, in the order of ``theta``.
    """
    places, at = split_layers(np.arange(parameter_count(widths, bias)), widths, bias)
    paths = []
    for i, place in enumerate(places):
        for a, b in np.ndindex(place.shape):
            before = [int(w[0, 0]) for w in places[: i - 1]] if i > 1 else []
            before += [int(places[i - 1][b, 0])] if i else []
            paths.append([*before, int(place[a, b]), *_onwards(places, i, a)])
        if bias and i < len(at):
            paths += [[int(at[i][a]), *_onwards(places, i, a)] for a in range(len(place))]
    return paths


def path_vectors(theta, paths):
    r"""Gradients of the monomials of paths, divided by the monomials: :math:`1/\theta_e`.

    Parameters
    ----------
    theta : numpy.ndarray of int, (size,)
        No multiple of the prime among them.
    paths : list of list of int

    Returns
    -------
    numpy.ndarray, (n_paths, size)
        Residues.
    """
    inverse = residues([pow(int(value), -1, PRIME) for value in theta])
    rows = np.zeros((len(paths), theta.size))
    for row, path in zip(rows, paths, strict=True):
        row[path] = inverse[path]
    return rows


def _onwards(places, i, neuron):
    """Return the parameters from a neuron of the layer with index i to the first output."""
    later = places[i + 1 :]
    return [int(w[0, neuron if k == 0 else 0]) for k, w in enumerate(later)]
