"""Names, places and paths of the parameters of a layered network.

Everything here speaks of one vector ``theta`` in the order of :class:`gradflows.DeepLinear` and
:class:`gradflows.MLP`: W_1, b_1, W_2, ..., each row by row. With ``bias=True`` the hidden layers
have biases and the outputs have none.
"""

import numpy as np

from gradflows.layers import Layers
from gradflows.networks import DeepLinear

KINDS = ("linear", "relu")


def check_network(widths, kind, bias):
    """Return the engine of the network that is meant, or say which argument is wrong.

    Raises
    ------
    ValueError
        If the widths are no two or more positive integers, or ``kind`` or ``bias`` is none of
        the known values.
    """
    widths = DeepLinear(widths).widths
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    if not isinstance(bias, bool | np.bool_):
        raise ValueError(f"bias: expected True or False, got {bias!r}")
    hidden = len(widths) - 2
    activation = "relu" if kind == "relu" else "identity"
    return Layers(widths, activation, (bool(bias),) * hidden + (False,))


def places(layers):
    """List, layer by layer, the indices in theta of its weights (d_i, d_{i-1}) and biases.

    Returns
    -------
    list of (numpy.ndarray, numpy.ndarray or None)
    """
    every = np.arange(layers.size)
    return [
        (every[weight].reshape(shape), every[bias] if bias else None)
        for weight, bias, shape in zip(
            layers.weight_slices, layers.bias_slices, layers.shapes, strict=True
        )
    ]


def parameter_names(layers):
    """Name the parameters: ``w2_1_3`` is the entry (1, 3) of W_2, ``b1_2`` the second of b_1."""
    names = []
    for i, (weight, bias) in enumerate(places(layers), start=1):
        rows, columns = weight.shape
        names += [f"w{i}_{r + 1}_{c + 1}" for r in range(rows) for c in range(columns)]
        names += [f"b{i}_{r + 1}" for r in range(rows) if bias is not None]
    return tuple(names)


def end_nodes(layers):
    """Tell for every parameter which nodes it joins, as a matrix of 0 and 1 (size, nodes).

    The nodes are those of all layers, input first; with biases one more, the source that always
    sends 1.
    """
    starts = np.concatenate([[0], np.cumsum(layers.widths)])
    ends = np.zeros((layers.size, starts[-1] + any(layers.biased)), dtype=np.int64)
    for i, (weight, bias) in enumerate(places(layers)):
        for (row, column), parameter in np.ndenumerate(weight):
            ends[parameter, [starts[i] + column, starts[i + 1] + row]] = 1
        if bias is not None:
            ends[bias, starts[i + 1] + np.arange(len(bias))] = 1
            ends[bias, -1] = 1
    return ends


def paths(layers):
    """List all paths from an input, or from a hidden bias, to an output.

    Returns
    -------
    edges : numpy.ndarray, (n_paths, h)
        The parameters on each path; a path that starts at a bias is shorter, and is filled up
        with ``size``, which stands for the constant 1.
    groups : numpy.ndarray, (n_paths,)
        Which entry of the model map the monomial of the path belongs to. In a linear network
        all paths with the same ends are added up; with ReLUs each path stands alone.
    """
    found = []  # (start, last node, edges)
    for i, (weight, bias) in enumerate(places(layers)):
        heads = [(column, column, ()) for column in range(weight.shape[1])] if i == 0 else found
        found = [
            (start, row, (*edges, weight[row, node]))
            for start, node, edges in heads
            for row in range(len(weight))
        ]
        if bias is not None:
            found += [("bias", row, (parameter,)) for row, parameter in enumerate(bias)]
    filled = [(*edges, *[layers.size] * (layers.depth - len(edges))) for *_, edges in found]
    ends = [(start, end) for start, end, _ in found]
    keys = ends if layers.linear else filled
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array(filled, dtype=np.int64), np.array([numbers[key] for key in keys])
