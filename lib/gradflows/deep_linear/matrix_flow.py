r"""The gradient flow as a matrix differential equation in the adjacency matrix.

With :math:`E = \mathrm{blk}_h(\Sigma)` the loss is :math:`L(A) = \tfrac12\|E - A^h\|_F^2`. Time
is that of this loss, with the factor 1/2 and whitened data.
"""

import numpy as np

from gradflows.deep_linear.adjacency import block_shift, layer_slices
from gradflows.deep_linear.products import as_stackable_weights, heads, tails
from gradflows.deep_linear.weights import as_target, as_weights
from gradflows.validation import as_array

__all__ = [
    "adjacency_field",
    "adjacency_loss",
    "commutator",
    "diagonal_blocks",
    "imbalances",
    "interior_blocks",
    "kernel_operator",
    "lax_generator",
]


def adjacency_loss(A, Sigma, widths):
    r"""Loss of an adjacency matrix, :math:`L(A) = \tfrac12\|E - A^h\|_F^2`.

    Parameters
    ----------
    A : array_like, (n_v, n_v)
        Any matrix; it need not have the block pattern.
    Sigma : array_like, (d_h, d_0)
    widths : sequence of int
        ``(d_0, ..., d_h)``.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: wendin2025survey.
    """
    A, E, depth = _embedded(A, Sigma, widths)
    return 0.5 * float(np.sum((E - np.linalg.matrix_power(A, depth)) ** 2))


def adjacency_field(A, Sigma, widths):
    r"""Negative gradient of the loss in the full matrix A.

    .. math:: \dot A = \sum_{j=1}^h (A^{h-j})^T\,(E - A^h)\,(A^{j-1})^T .

    Parameters
    ----------
    A : array_like, (n_v, n_v)
        Any matrix; on the block pattern of a network the field stays in the pattern, exactly.
    Sigma : array_like, (d_h, d_0)
    widths : sequence of int
        ``(d_0, ..., d_h)``.

    Returns
    -------
    numpy.ndarray, (n_v, n_v)
        Velocity in the time of the loss with the factor 1/2.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: wendin2025survey.
    """
    A, E, depth = _embedded(A, Sigma, widths)
    powers = [np.eye(len(A))]
    for _ in range(depth):
        powers.append(powers[-1] @ A)
    residual = E - powers[depth]
    return sum(powers[depth - j].T @ residual @ powers[j - 1].T for j in range(1, depth + 1))


def commutator(A, B=None):
    r"""Commutator :math:`[A, B] = AB - BA`, by default with :math:`B = A^T`.

    Parameters
    ----------
    A : array_like, (n, n)
    B : array_like, (n, n), optional

    Returns
    -------
    numpy.ndarray, (n, n)

    Raises
    ------
    ValueError
        If the matrices are not square of one size.

    Notes
    -----
    For an adjacency matrix, :math:`[A, A^T]` is block diagonal; its interior blocks are
    :math:`W_iW_i^T - W_{i+1}^TW_{i+1} = -C_i`, which gradient flow conserves; its end blocks
    :math:`-W_1^TW_1` and :math:`W_hW_h^T` are not conserved. Source: this book.
    """
    A = as_array("A", A, ("n", "n"))
    B = A.T if B is None else as_array("B", B, A.shape)
    return A @ B - B @ A


def diagonal_blocks(M, widths):
    """Cut out the diagonal blocks of the layers 0 to h.

    Parameters
    ----------
    M : array_like, (n_v, n_v)
    widths : sequence of int
        ``(d_0, ..., d_h)``.

    Returns
    -------
    list of numpy.ndarray
        Blocks of shapes ``(d_i, d_i)``, i = 0, ..., h.

    Raises
    ------
    ValueError
        If the shape does not fit.
    """
    places = layer_slices(widths)
    M = as_array("M", M, (places[-1].stop, places[-1].stop))
    return [M[place, place].copy() for place in places]


def interior_blocks(M, widths):
    """Cut out the diagonal blocks of the hidden layers 1 to h - 1.

    Parameters
    ----------
    M : array_like, (n_v, n_v)
    widths : sequence of int
        ``(d_0, ..., d_h)``.

    Returns
    -------
    list of numpy.ndarray
        Blocks of shapes ``(d_i, d_i)``, i = 1, ..., h - 1.

    Raises
    ------
    ValueError
        If the shape does not fit.
    """
    return diagonal_blocks(M, widths)[1:-1]


def imbalances(weights):
    r"""Imbalances of the hidden layers, :math:`C_i = W_{i+1}^TW_{i+1} - W_iW_i^T`.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, or with one leading dimension k, as
        ``network.split(trajectory.theta)`` gives them.

    Returns
    -------
    list of numpy.ndarray
        ``[C_1, ..., C_{h-1}]``, shapes ``(d_i, d_i)`` or ``(k, d_i, d_i)``.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Gradient flow conserves them, for every differentiable loss of the end-to-end matrix.
    Source: arora2018optimization, du2018algorithmic.
    """
    weights = as_stackable_weights(weights)
    return [
        after.mT @ after - before @ before.mT
        for before, after in zip(weights, weights[1:], strict=False)
    ]


def kernel_operator(weights):
    r"""Tangent kernel by which the end-to-end matrix moves: :math:`\dot W = K(\Sigma - W)`.

    With vec stacking columns, :math:`\operatorname{vec}\dot W = K \operatorname{vec}(\Sigma - W)`,

    .. math:: K = \sum_{i=1}^h (W_{i-1:1}^TW_{i-1:1}) \otimes (W_{h:i+1}W_{h:i+1}^T) .

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    numpy.ndarray, (d_0*d_h, d_0*d_h)
        Symmetric, positive semidefinite; rows input by input (row = input * d_h + output), as
        in ``Problem.kernel``. If vec goes row by row, the factors change places.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: arora2018optimization.
    """
    weights = as_weights(weights)
    first, last = heads(weights), tails(weights)
    return sum(
        np.kron(first[i - 1].T @ first[i - 1], last[i] @ last[i].T)
        for i in range(1, len(weights) + 1)
    )


def lax_generator(weights, Sigma):
    r"""Solve :math:`\dot A = [B, A]` for a block diagonal B, as well as it can be solved.

    Blockwise :math:`\dot W_i = B_iW_i - W_iB_{i-1}`; the solution of least norm of the least
    squares problem.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)

    Returns
    -------
    B : numpy.ndarray, (n_v, n_v)
        Block diagonal.
    residual : float
        :math:`\|\dot A - [B, A]\|_F / \|\dot A\|_F`: rounding where the flow stays in its orbit
        under changes of basis, a positive number where it raises a rank; 0 at critical points.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Solvable wherever all partial products have maximal rank, and along every stretch of
    trajectory on which the ranks do not change. B is not skew, so singular values move.
    Source: this book.
    """
    weights = as_weights(weights)
    velocity = layer_velocities(weights, as_target(Sigma, weights))
    sizes = [weights[0].shape[1], *(len(weight) for weight in weights)]
    ends = np.cumsum([0, *(size**2 for size in sizes)])
    rows = []
    for i, weight in enumerate(weights):
        row = np.zeros((weight.size, ends[-1]))
        row[:, ends[i] : ends[i + 1]] = -np.kron(weight, np.eye(sizes[i]))
        row[:, ends[i + 1] : ends[i + 2]] = np.kron(np.eye(sizes[i + 1]), weight.T)
        rows.append(row)
    system, wanted = np.vstack(rows), np.concatenate([v.ravel() for v in velocity])
    solution = np.linalg.lstsq(system, wanted, rcond=None)[0]
    blocks = [
        solution[start : start + size**2].reshape(size, size)
        for start, size in zip(ends, sizes, strict=False)
    ]
    speed = np.linalg.norm(wanted)
    residual = np.linalg.norm(system @ solution - wanted) / speed if speed else 0.0
    return block_shift(blocks, 0, sizes), float(residual)


def layer_velocities(weights, Sigma):
    r"""List :math:`\dot W_i = W_{h:i+1}^T(\Sigma - W)W_{i-1:1}^T` for checked arguments."""
    first, last = heads(weights), tails(weights)
    residual = Sigma - first[-1]
    return [last[i].T @ residual @ first[i - 1].T for i in range(1, len(weights) + 1)]


def _embedded(A, Sigma, widths):
    """Check A and Sigma; return A, the embedded target E, and the depth."""
    places = layer_slices(widths)
    widths = [place.stop - place.start for place in places]
    A = as_array("A", A, (places[-1].stop, places[-1].stop))
    Sigma = as_array("Sigma", Sigma, (widths[-1], widths[0]))
    return A, block_shift([Sigma], len(widths) - 1, widths), len(widths) - 1
