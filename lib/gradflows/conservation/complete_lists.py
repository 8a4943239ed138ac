r"""How many independent laws are known: closed formulas, and ranks modulo a prime as their test.

The known laws of a linear network are the entries of its imbalances
:math:`C_i = W_{i+1}^T W_{i+1} - W_i W_i^T`, with :math:`b_i b_i^T` subtracted if the layer has a
bias. Those of a ReLU network are the diagonals, one for each hidden neuron.
"""

import numpy as np

from gradflows.modular import PRIME, rank_mod
from gradflows.networks import DeepLinear
from gradflows.validation import as_count

__all__ = [
    "extra_law_count",
    "known_law_count",
    "known_law_rank",
    "scalar_chains",
    "so_dimension",
]


def known_law_count(widths, kind="linear", bias=False):
    r"""Count the independent known laws at generic parameters.

    For linear networks, with :math:`T(s) = s(s+1)/2` for s > 0 and 0 otherwise, it is

    .. math:: \sum_{i=1}^{h-1} \bigl[T(d_i) - T(d_i - d_{i-1} - d_{i+1})\bigr];

    with hidden biases :math:`d_{i-1}` is replaced by :math:`d_{i-1} + 1`. For ReLU networks, with
    or without biases, it is the number of hidden neurons.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    kind : str
        "linear" or "relu".
    bias : bool
        Whether the hidden layers have biases.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is none of the above.

    Notes
    -----
    Source: marcotte2023abide for the laws, this book for the formula.

    Examples
    --------
    >>> known_law_count((2, 3, 3, 2)), known_law_count((3, 4, 2), "relu")
    (12, 4)
    """
    widths = network_widths(widths, kind, bias)
    if kind == "relu":
        return sum(widths[1:-1])
    triples = zip(widths, widths[1:], widths[2:], strict=False)
    return sum(_triangle(b) - _triangle(b - a - bias - c) for a, b, c in triples)


def extra_law_count(widths):
    r"""Count the laws that width-1 layers of a linear network without biases add to the known ones.

    Between two consecutive layers of width 1 the network is one number s, and its D parameters
    there carry D - 1 laws. The count is the sum of :math:`D - 1 - N`, N the number of known laws
    of the piece, over all such pieces (:func:`scalar_chains`).

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.

    Returns
    -------
    int
        Zero unless two consecutive layers of width 1, input and output included, are separated
        by at least two layers.

    Raises
    ------
    ValueError
        If the widths are no positive integers.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> extra_law_count((1, 2, 2, 1)), extra_law_count((1, 5, 1, 5, 1))
    (1, 0)
    """
    widths = DeepLinear(widths).widths
    pieces = [widths[first : last + 1] for first, last in scalar_chains(widths)]
    return sum(parameter_count(piece) - 1 - known_law_count(piece) for piece in pieces)


def scalar_chains(widths):
    """Find the pairs of consecutive layers of width 1, input and output included.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.

    Returns
    -------
    list of (int, int)

    Raises
    ------
    ValueError
        If the widths are no positive integers.

    Examples
    --------
    >>> scalar_chains((2, 1, 2, 2, 1, 2))
    [(1, 4)]
    """
    ones = [i for i, width in enumerate(DeepLinear(widths).widths) if width == 1]
    return list(zip(ones, ones[1:], strict=False))


def so_dimension(n, m, r, rank=None):
    r"""Dimension of the Lie algebra of a two-layer linear network at a point.

    The fields are :math:`\theta \mapsto L\theta` with L in :math:`\mathfrak{so}(n, m)` and
    :math:`\theta = (W_2; W_1^T)` of shape ``(n + m, r)``. At rank :math:`\rho` they span

    .. math:: (n + m)\rho - \tfrac12\rho(\rho + 1)

    dimensions.

    Parameters
    ----------
    n, m : int
        Number of outputs and of inputs.
    r : int
        Width of the hidden layer.
    rank : int, optional
        Rank of the stacked matrix; full, min(r, n + m), if left out.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a width is no positive integer, or no matrix of this shape has this rank.

    Notes
    -----
    Source: marcotte2023abide at full rank, this book otherwise.

    Examples
    --------
    >>> so_dimension(2, 2, 2), so_dimension(2, 2, 2, rank=1)
    (5, 3)
    """
    n, m, r = (as_count(name, value) for name, value in (("n", n), ("m", m), ("r", r)))
    full = min(r, n + m)
    rank = full if rank is None else as_count("rank", rank, minimum=0)
    if rank > full:
        raise ValueError(f"rank: expected at most min(r, n + m) = {full}, got {rank}")
    return (n + m) * rank - rank * (rank + 1) // 2


def known_law_rank(widths, theta, kind="linear", bias=False, *, p=PRIME):
    """Rank, modulo a prime, of the gradients of the known laws at integer parameters.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    theta : array_like of int, (size,)
        In the order of ``gradflows.DeepLinear``, each hidden bias after its weights.
    kind : str
        "linear" or "relu".
    bias : bool
        Whether the hidden layers have biases.
    p : int
        A prime below 2**21.

    Returns
    -------
    int
        Never more than the rank over the rationals at ``theta``, nor than the generic rank.

    Raises
    ------
    ValueError
        If an argument is none of the above.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> known_law_rank((1, 2, 2, 1), [1, 2, 3, 4, 5, 6, 7, 8])
    6
    """
    widths = network_widths(widths, kind, bias)
    theta = as_integers("theta", theta, (parameter_count(widths, bias),))
    laws = law_monomials(widths, kind, bias)
    if not laws:
        return 0
    terms = [(k, c, i, j) for k, law in enumerate(laws) for c, (i, j) in law]
    k, c, i, j = np.array(terms, dtype=np.int64).T
    rows = np.zeros((len(laws), theta.size), dtype=np.int64)
    np.add.at(rows, (k, i), c * theta[j])
    np.add.at(rows, (k, j), c * theta[i])
    return rank_mod(rows, p)


def law_monomials(widths, kind, bias=False):
    """Write the known laws of a network as lists of ``[coefficient, [i, j]]``."""
    places, at = split_layers(np.arange(parameter_count(widths, bias)), widths, bias)
    laws = []
    for i, (before, after) in enumerate(zip(places, places[1:], strict=False)):
        for p in range(len(before)):
            for q in range(p, len(before) if kind == "linear" else p + 1):
                plus = zip(after[:, p].tolist(), after[:, q].tolist(), strict=True)
                minus = zip(before[p].tolist(), before[q].tolist(), strict=True)
                law = [[1, list(pair)] for pair in plus] + [[-1, list(pair)] for pair in minus]
                laws.append(law + ([[-1, [int(at[i][p]), int(at[i][q])]]] if bias else []))
    return laws


def parameter_count(widths, bias=False):
    """Count weights and, with ``bias``, hidden biases."""
    weights = sum(a * b for a, b in zip(widths, widths[1:], strict=False))
    return weights + (sum(widths[1:-1]) if bias else 0)


def split_layers(theta, widths, bias=False):
    """Cut the last axis of ``theta`` into weights and hidden biases, as views."""
    weights, biases, start = [], [], 0
    for i, (columns, rows) in enumerate(zip(widths, widths[1:], strict=False)):
        stop = start + rows * columns
        weights.append(theta[..., start:stop].reshape(*theta.shape[:-1], rows, columns))
        start = stop
        if bias and i < len(widths) - 2:
            biases.append(theta[..., start : start + rows])
            start += rows
    return weights, biases


def network_widths(widths, kind, bias):
    """Check widths, kind and bias; return the widths as a tuple."""
    widths = DeepLinear(widths).widths
    if kind not in ("linear", "relu"):
        raise ValueError(f'kind: expected "linear" or "relu", got {kind!r}')
    if not isinstance(bias, bool | np.bool_):
        raise ValueError(f"bias: expected True or False, got {bias!r}")
    return widths


def as_integers(name, value, shape):
    """Check an array of integers that fit into 40 bits; floats are refused."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.shape != shape:
        raise ValueError(
            f"{name}: expected integers of shape {shape}, got {array.dtype} of shape {array.shape}"
        )
    if np.abs(array).max(initial=0) >= 2**40:
        raise ValueError(f"{name}: expected integers below 2**40, got {np.abs(array).max()}")
    return array.astype(np.int64)


def _triangle(s):
    """T(s)."""
    return s * (s + 1) // 2 if s > 0 else 0
