"""Problems: a network, its inputs and a loss, as one function of the parameters."""

import numpy as np

from gradflows.chains import chain_field
from gradflows.curvature import second_derivative
from gradflows.networks import LayeredNetwork
from gradflows.validation import as_array

__all__ = ["Problem"]

CHUNK = 2**16


class Problem:
    r"""Loss of a network on data, :math:`L(\theta) = \ell(x(\theta))`, with its derivatives.

    Parameters
    ----------
    network : DeepLinear, ShallowReLU or MLP
        Or an object of yours with ``size``, ``widths`` and the methods ``outputs``,
        ``jacobian``, ``pullback`` and ``second_order`` of these.
    X : array_like, (d_0, n)
        Inputs, one column a sample.
    loss : SquaredLoss or CrossEntropy
        Or an object of yours with ``labels``, ``value``, ``gradient`` and ``hessian_product``.

    Attributes
    ----------
    network, loss_function
        As given.
    inputs : numpy.ndarray, (d_0, n)
    size : int
        Number of parameters.

    Raises
    ------
    ValueError
        If the inputs do not fit the network, or the labels do not fit inputs and network.

    Notes
    -----
    Everything is analytic. Gradient: one propagation forwards, one backwards. Hessian:
    Gauss-Newton part plus second-order part,
    :math:`\nabla^2 L = J^T \nabla^2\ell\, J + \sum_k \partial_k\ell\, \nabla^2 x_k`.
    """

    def __init__(self, network, X, loss):
        self.network = network
        self.loss_function = loss
        self.size = network.size
        self.inputs = as_array("X", X, (network.widths[0], "n")).copy()
        self.inputs.flags.writeable = False
        expected = (network.widths[-1], self.inputs.shape[1])
        if loss.labels.shape != expected:
            raise ValueError(
                f"loss: expected labels of shape {expected} (outputs of the network, samples in "
                f"X), got {loss.labels.shape}"
            )
        own = isinstance(network, LayeredNetwork)
        self._layers = network.layers if own else _Foreign(network)
        self._X = None if own and _is_identity(self.inputs) else self.inputs
        self._loss_value = getattr(loss, "_value", loss.value)
        self._loss_gradient = getattr(loss, "_gradient", loss.gradient)
        # Losses of the library know their Hessian sample by sample: no Jacobian is formed then.
        self._bend = getattr(loss, "_bend", None) if own else None
        self._loss_hessian_product = getattr(loss, "_hessian_product", loss.hessian_product)

    def __repr__(self):
        return f"Problem({self.network!r}, X {self.inputs.shape}, {self.loss_function!r})"

    def outputs(self, theta):
        """Send the inputs through the network.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        numpy.ndarray, (d_h, n) or (k, d_h, n)

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._layers.forward(self._theta(theta), self._X).outputs.copy()

    def loss(self, theta):
        """Evaluate the loss at the parameters.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        float, or numpy.ndarray (k,) for a stack

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        value = self._loss(self._theta(theta))
        return float(value) if np.ndim(value) == 0 else value

    def gradient(self, theta):
        """Differentiate the loss in the parameters, by backpropagation.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        numpy.ndarray, shape of ``theta``

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._gradient(self._theta(theta))

    def hessian(self, theta):
        """Differentiate the loss twice, exactly.

        Parameters
        ----------
        theta : array_like, (size,)

        Returns
        -------
        numpy.ndarray, (size, size)

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._hessian(as_array("theta", theta, (self.size,)))

    def kernel(self, theta):
        r"""Form the tangent kernel :math:`K = J J^T`: outputs move by x' = -K vec(grad l).

        Parameters
        ----------
        theta : array_like, (size,)

        Returns
        -------
        numpy.ndarray, (n*d_h, n*d_h)
            Rows and columns sample by sample; symmetric, positive semidefinite.

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        theta = as_array("theta", theta, (self.size,))
        jacobian = self._layers.jacobian(self._layers.forward(theta, self._X))
        return jacobian @ jacobian.T

    def _theta(self, theta):
        return as_array("theta", theta, (self.size,), stack=True)

    def _loss(self, theta):
        return self._loss_value(self._layers.forward(theta, self._X).outputs)

    def _gradient(self, theta):
        state = self._layers.forward(theta, self._X)
        return self._layers.backward(state, self._loss_gradient(state.outputs))

    def _field(self, shape):
        """Make ``theta -> -gradient`` for integrators, with buffers where they pay."""
        plain = isinstance(self.network, LayeredNetwork) and self._layers.plain
        if plain and len(shape) == 1:
            return chain_field(self._layers, self._X, self._loss_gradient)
        return lambda theta: -self._gradient(theta)

    def _hessian(self, theta):
        state = self._layers.forward(theta, self._X)
        cotangent = self._loss_gradient(state.outputs)
        if self._bend is not None:
            return second_derivative(self._layers, state, cotangent, self._bend(state.outputs))
        jacobian = self._layers.jacobian(state)
        directions = jacobian.reshape(*state.outputs.shape[::-1], self.size).transpose(2, 1, 0)
        bent = self._loss_hessian_product(state.outputs, directions)
        gauss_newton = jacobian.T @ bent.transpose(2, 1, 0).reshape(jacobian.shape)
        return gauss_newton + self.network.second_order(theta, self.inputs, cotangent)


def unchecked(problem, name):
    """Find the method without checks, or the public one of a problem from outside, or None."""
    return getattr(problem, f"_{name}", getattr(problem, name, None))


def descent_field(problem, shape):
    """Make ``theta -> -gradient`` for arrays of this shape, (size,) or (k, size)."""
    if hasattr(problem, "_field"):
        return problem._field(shape)
    gradient = problem.gradient
    if len(shape) == 1:
        return lambda theta: -np.asarray(gradient(theta), dtype=float)
    return lambda stack: -np.stack([np.asarray(gradient(theta), dtype=float) for theta in stack])


def losses_along(problem, path):
    """Evaluate the loss at every row of ``path`` (m, size), in chunks that stay in the cache.

    Where it overflows it is infinite: the path itself is finite, and that is all that is asked.
    """
    with np.errstate(all="ignore"):
        if not hasattr(problem, "_loss"):
            return np.array([float(problem.loss(theta)) for theta in path])
        rows = max(1, CHUNK // path.shape[1])
        chunks = [path[i : i + rows] for i in range(0, len(path), rows)]
        return np.concatenate([problem._loss(chunk) for chunk in chunks])


class _ForeignPass:
    """What a network from outside leaves behind: its arguments and outputs."""

    def __init__(self, theta, X, outputs):
        self.theta, self.X, self.outputs = theta, X, outputs


class _Foreign:
    """Gives a network from outside the interface of the engine."""

    def __init__(self, network):
        self.network = network

    def forward(self, theta, X):
        return _ForeignPass(theta, X, self.network.outputs(theta, X))

    def backward(self, state, cotangent):
        return self.network.pullback(state.theta, state.X, cotangent)

    def jacobian(self, state):
        return self.network.jacobian(state.theta, state.X)


def _is_identity(X):
    """Tell whether products with ``X`` can be saved."""
    return X.shape[0] == X.shape[1] and np.array_equal(X, np.eye(len(X)))
