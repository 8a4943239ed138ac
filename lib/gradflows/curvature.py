r"""Second derivatives through layers, in blocks: no loop over parameters, no differences.

A push at the pre-activations of layer i moves the pre-activations of every later layer (its
*responses*) and the backpropagated signals of every layer (its *echoes*). The block of the Hessian
in :math:`W_j, W_i` with :math:`i \le j` is made of both; the rest is symmetry. Responses and
echoes are ``(..., n, d_j, d_i)``, one matrix a sample, or one for all in a linear network.
"""

import numpy as np


def second_derivative(layers, state, cotangent, bend=None):
    r"""Differentiate a function of the outputs twice in the parameters.

    Parameters
    ----------
    layers : Layers
    state : Pass
    cotangent : numpy.ndarray, (..., d_h, n)
        Gradient g of the function in the outputs.
    bend : numpy.ndarray, (..., n or 1, d_h, d_h), optional
        Hessian of the function in the outputs, sample by sample; zero if left out.

    Returns
    -------
    numpy.ndarray, (..., size, size)
        :math:`J^T \mathrm{bend}\, J + \sum_k g_k \nabla^2 x_k`.
    """
    inputs = [layers.inputs_with_bias(state, i) for i in range(layers.depth)]
    sizes = [a.shape[-2] * width for a, width in zip(inputs, layers.widths[1:], strict=True)]
    places = np.cumsum([0, *sizes])
    result = np.empty((*state.theta.shape[:-1], layers.size, layers.size))
    deltas, signals = _signals(layers, state, cotangent)
    for i in range(layers.depth):
        responses = _responses(layers, state, i)
        echoes = _echoes(layers, state, i, responses, signals, bend)
        for j in range(i, layers.depth):
            moved = _moved_inputs(layers, state, j, responses) if i < j else None
            terms = [(echoes[j], inputs[j], inputs[i], True)] if echoes[j] is not None else []
            terms += [(moved, deltas[j], inputs[i], False)] if i < j else []
            rows, columns = slice(*places[j : j + 2]), slice(*places[i : i + 2])
            shape = (layers.widths[j + 1], inputs[j].shape[-2])
            shape += (layers.widths[i + 1], inputs[i].shape[-2])
            block = _block(terms, (*result.shape[:-2], *shape))
            block = block.reshape(*result.shape[:-2], sizes[j], sizes[i])
            result[..., rows, columns] = block
            if i < j:
                result[..., columns, rows] = block.mT
    if any(layers.biased):
        result = result[..., layers.order[:, None], layers.order]
    return result


def _block(terms, shape):
    """Sum the terms of one block, indexed (row c, d; column a, b)."""
    total = None
    for matrices, left, right, echo in terms:
        if matrices.shape[-3] == 1:
            pair = np.matmul(left, right.mT)
            if echo:
                term = matrices[..., 0, :, None, :, None] * pair[..., None, :, None, :]
            else:
                term = matrices[..., 0, None, :, :, None] * pair[..., :, None, None, :]
        else:
            pair = left.mT[..., :, None] * right.mT[..., None, :]
            term = _contract(matrices, pair)
            term = term.swapaxes(-3, -2) if echo else np.moveaxis(term, -2, -4)
        total = term if total is None else total + term
    return np.zeros(shape) if total is None else np.broadcast_to(total, shape)


def _contract(left, right):
    """Sum over samples: (..., n, a, b) and (..., n, c, d) give (..., a, b, c, d)."""
    first = left.reshape(*left.shape[:-2], -1)
    second = right.reshape(*right.shape[:-2], -1)
    product = np.matmul(first.mT, second)
    return product.reshape(*product.shape[:-2], *left.shape[-2:], *right.shape[-2:])


def _signals(layers, state, cotangent):
    """Differentiate <cotangent, outputs> in the pre-activations and in the values of layers."""
    deltas, signals = [cotangent], [cotangent]
    for i in range(layers.depth - 1, 0, -1):
        signal = np.matmul(state.weights[i].mT, deltas[0])
        signals.insert(0, signal)
        deltas.insert(0, signal if layers.linear else signal * layers.slope(state, i - 1))
    return deltas, signals


def _responses(layers, state, i):
    """Response of the pre-activations of every layer from ``i`` on to a push at layer ``i``."""
    responses = {i: np.eye(layers.widths[i + 1])[None]}
    for j in range(i + 1, layers.depth):
        before = _scale_rows(layers, state, j - 1, responses[j - 1])
        responses[j] = np.matmul(state.weights[j][..., None, :, :], before)
    return responses


def _moved_inputs(layers, state, j, responses):
    """Response of the inputs of layer ``j``; the constant input of a bias does not move."""
    moved = _scale_rows(layers, state, j - 1, responses[j - 1])
    if not layers.biased[j]:
        return moved
    return np.concatenate([moved, np.zeros_like(moved[..., :1, :])], axis=-2)


def _echoes(layers, state, i, responses, signals, bend):
    """Response of the signals of every layer from ``i`` on; None stands for zero."""
    last = layers.depth - 1
    echo = None if bend is None else np.matmul(bend, responses[last])
    echoes = {last: echo}
    for j in range(last - 1, i - 1, -1):
        if echo is not None:
            echo = np.matmul(state.weights[j + 1].mT[..., None, :, :], echo)
            echo = _scale_rows(layers, state, j, echo)
        if not layers.linear:
            curvature = layers.activation.curvature(state.preactivations[j], state.inputs[j + 1])
            here = (curvature * signals[j]).mT[..., None] * responses[j]
            echo = here if echo is None else echo + here
        echoes[j] = echo
    return echoes


def _scale_rows(layers, state, j, matrices):
    """Multiply (..., n, d_j, c) by the diagonal of slopes of layer ``j`` from the left."""
    return matrices if layers.linear else matrices * layers.slope(state, j).mT[..., None]
