r"""Dense networks without biases, with any activation, and a last activation inside the loss.

Beside the activations of the ground floor there are two polynomials by pieces: the squared ReLU
:math:`\max(z, 0)^2`, "relu2", and :math:`z + z^2`, "quadratic". At the kink of the squared ReLU
the second derivative is taken to be 0.
"""

import numpy as np

from gradflows.activations import ACTIVATIONS, Activation
from gradflows.losses import SquaredLoss
from gradflows.networks import DeepLinear, LayeredNetwork

KINDS = {
    **ACTIVATIONS,
    "relu2": Activation(
        value=lambda z: np.square(np.maximum(z, 0.0)),
        slope=lambda z, a: 2 * np.maximum(z, 0.0),
        curvature=lambda z, a: 2.0 * (z > 0),
    ),
    "quadratic": Activation(
        value=lambda z: z + z * z,
        slope=lambda z, a: 1 + 2 * z,
        curvature=lambda z, a: np.full_like(z, 2.0),
    ),
}
"""Activations by name: those of ``gradflows.activations``, "relu2" and "quadratic"."""


class DenseNetwork(LayeredNetwork):
    r"""Network without biases, :math:`x = W_h\sigma(W_{h-1}\cdots\sigma(W_1X))`.

    With integer parameters and inputs, outputs and Jacobian of the activations "identity",
    "relu", "relu2" and "quadratic" are exact as long as no number exceeds :math:`2^{53}`.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first, at least two of them.
    activation : str
        "identity", "quadratic", "relu", "relu2", "sigmoid", "softplus" or "tanh"; it acts on
        hidden layers.

    Raises
    ------
    ValueError
        If a width is no positive integer, or the activation is not known.

    Examples
    --------
    >>> DenseNetwork((4, 3, 2), "quadratic").size
    18
    """

    def __init__(self, widths, activation):
        kind = as_activation("activation", activation)
        widths = as_widths(widths)
        name = "identity" if activation == "identity" else "tanh"
        super().__init__(widths, name, (False,) * (len(widths) - 1))
        self.layers.activation = kind
        self.smooth = not activation.startswith("relu")


class ActivatedSquaredLoss(SquaredLoss):
    r"""Squared loss behind a last activation, :math:`\ell(x) = \frac1{2n}\|\sigma_h(x)-Y\|_F^2`.

    The network then has the outputs :math:`\sigma_h(x)`, and its Jacobian the rows of J times
    the slopes :math:`\sigma_h'(x)`.

    Parameters
    ----------
    Y : array_like, (d_h, n)
        Labels of the activated outputs.
    activation : str
        As for ``DenseNetwork``.

    Raises
    ------
    ValueError
        If ``Y`` is no matrix of finite numbers, or the activation is not known.

    Notes
    -----
    Mean loss. Derivatives in x: :math:`\frac1n\sigma_h'\odot(\sigma_h-Y)`, and, diagonal,
    :math:`\frac1n\bigl(\sigma_h'^2+(\sigma_h-Y)\sigma_h''\bigr)`.
    """

    def __init__(self, Y, activation):
        super().__init__(Y)
        self.activation = as_activation("activation", activation)

    def __repr__(self):
        return f"ActivatedSquaredLoss(Y {self.labels.shape})"

    def _value(self, outputs):
        return super()._value(self.activation.value(outputs))

    def _gradient(self, outputs):
        activated = self.activation.value(outputs)
        return super()._gradient(activated) * self.activation.slope(outputs, activated)

    def _second(self, outputs):
        """Second derivatives of the loss in the single outputs."""
        activated = self.activation.value(outputs)
        bent = (activated - self.labels) * self.activation.curvature(outputs, activated)
        return self._scale * (self.activation.slope(outputs, activated) ** 2 + bent)

    def _hessian_product(self, outputs, direction):
        return self._second(outputs) * direction

    def _bend(self, outputs):
        second = self._second(outputs).mT
        return second[..., None] * np.eye(second.shape[-1])


def as_widths(widths):
    """Check widths by the rules of the ground floor, before anything is computed from them.

    Raises
    ------
    ValueError
        If there are fewer than two, or one is no positive integer.
    """
    return DeepLinear(widths).widths


def as_activation(name, kind):
    """Look up an activation by its name.

    Raises
    ------
    ValueError
        If it is not known.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{name}: expected one of {', '.join(sorted(KINDS))}, got {kind!r}")
    return KINDS[kind]
