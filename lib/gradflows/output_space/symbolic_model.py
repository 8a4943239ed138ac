"""Models of one sample that are given by formulas: the small examples of this Part."""

import numpy as np
import sympy as sp

from gradflows.validation import as_array

__all__ = ["SymbolicModel"]


class SymbolicModel:
    r"""Outputs :math:`x(\theta)` given as expressions; its derivatives are found symbolically.

    It serves as the network of a `Problem` with one sample; the input is not used, so pass
    ``[[1.0]]``.

    Parameters
    ----------
    outputs : sequence of sympy expressions
        ``d_h`` of them.
    symbols : sequence of sympy symbols
        The parameters, in the order of ``theta``.

    Attributes
    ----------
    widths : tuple of int
        ``(1, d_h)``.
    size : int
        Number of parameters.
    smooth : bool
        True: the formulas are differentiated twice.

    Raises
    ------
    ValueError
        If there is no output or no symbol, or an expression has other symbols.

    Examples
    --------
    >>> theta = sp.Symbol("theta")
    >>> SymbolicModel([theta**2], [theta]).jacobian([3.0])
    array([[6.]])
    """

    smooth = True

    def __init__(self, outputs, symbols):
        outputs, symbols = sp.Matrix(outputs), list(symbols)
        if not outputs or not symbols:
            raise ValueError("outputs, symbols: expected at least one of each")
        foreign = outputs.free_symbols - set(symbols)
        if foreign:
            names = ", ".join(sorted(map(str, foreign)))
            raise ValueError(f"outputs: expected expressions in {symbols}, got also {names}")
        self.size, self.widths = len(symbols), (1, len(outputs))
        jacobian = outputs.jacobian(symbols)
        bends = [sp.hessian(entry, symbols) for entry in outputs]
        self._outputs, self._jacobian, self._bends = (
            sp.lambdify([symbols], part, "numpy") for part in (outputs, jacobian, bends)
        )

    def __repr__(self):
        return f"SymbolicModel(size={self.size}, outputs={self.widths[1]})"

    def outputs(self, theta, X=None):
        """Evaluate the outputs: ``(d_h, 1)``, or ``(k, d_h, 1)`` for a stack ``(k, size)``."""
        theta = as_array("theta", theta, (self.size,), stack=True)
        if theta.ndim == 2:
            return np.array([self.outputs(point) for point in theta])
        return np.array(self._outputs(theta), dtype=float)

    def jacobian(self, theta, X=None):
        """Differentiate the outputs: ``(d_h, size)``."""
        return np.array(self._jacobian(as_array("theta", theta, (self.size,))), dtype=float)

    def pullback(self, theta, X, cotangent):
        """Multiply the transpose of the Jacobian by ``(d_h, 1)``, or do so row by row."""
        theta = as_array("theta", theta, (self.size,), stack=True)
        if theta.ndim == 2:
            pairs = zip(theta, cotangent, strict=True)
            return np.array([self.pullback(point, X, part) for point, part in pairs])
        return self.jacobian(theta).T @ np.ravel(cotangent)

    def second_order(self, theta, X, cotangent):
        """Sum the Hessians of the outputs with the weights ``(d_h, 1)``: ``(size, size)``."""
        bends = np.array(self._bends(as_array("theta", theta, (self.size,))), dtype=float)
        return np.tensordot(np.ravel(cotangent), bends, axes=1)
