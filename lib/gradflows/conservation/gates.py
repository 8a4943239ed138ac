"""Gradients of path liftings of ReLU networks, sampled by random gates, modulo the prime."""

import numpy as np

from gradflows.modular import product_mod, reduce_mod


def gate_vectors(weights, biases, left, right, gates):
    r"""Gradients of random combinations of the entries of the path lifting.

    With gates g and :math:`a_0 = x`, :math:`a_i = g_i \odot (W_i a_{i-1} + b_i)`, the number
    :math:`y^T W_h a_{h-1}` is the sum over all paths p of :math:`\varphi_p(\theta)` times the
    product of the path's gates and its ends' coordinates of x and y.

    Parameters
    ----------
    weights : list of numpy.ndarray, (d_i, d_{i-1})
    biases : list of numpy.ndarray, (d_i,)
        Of the hidden layers, or empty.
    left : numpy.ndarray, (n, d_h)
        Vectors y.
    right : numpy.ndarray, (n, d_0)
        Vectors x.
    gates : list of numpy.ndarray, (n, d_i)
        For i = 1..h-1.

    Returns
    -------
    numpy.ndarray, (n, size)
        Residues; all arguments are residues as well.
    """
    states = [right]
    for i, gate in enumerate(gates):
        z = product_mod(states[-1], weights[i].T)
        if biases:
            z = reduce_mod(z + biases[i])
        states.append(reduce_mod(z * gate))
    back, parts = left, []
    for i in range(len(weights) - 1, -1, -1):
        blocks = [reduce_mod(back[:, :, None] * states[i][:, None]).reshape(len(left), -1)]
        if biases and i < len(gates):
            blocks.append(back)
        parts = blocks + parts
        if i:
            back = reduce_mod(product_mod(back, weights[i]) * gates[i - 1])
    return np.concatenate(parts, axis=1)
