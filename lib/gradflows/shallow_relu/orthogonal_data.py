r"""Orthogonal inputs: the forces on a ReLU neuron, the final directions, the critical levels.

Inputs are columns :math:`x_k = q_k e_k` with orthonormal :math:`e_k`, the network is
:math:`h(x) = \sum_j a_j \max(w_j^T x, 0)`, the loss :math:`L = \frac1{2n}\sum_k(h(x_k) - y_k)^2`.
"""

from dataclasses import dataclass, field

import numpy as np

from gradflows.validation import as_array, as_count

__all__ = ["OrthogonalData", "balanced_init"]

COSINE = 1e-10
"""Inputs count as orthogonal if no cosine between two of them is larger."""


@dataclass(frozen=True, eq=False)
class OrthogonalData:
    r"""Orthogonal inputs with their labels.

    Parameters
    ----------
    norms : array_like, (n,)
        Norms :math:`q_k > 0` of the inputs. The inputs are then :math:`q_k e_k` in
        :math:`\mathbb R^n`; for inputs in other coordinates use :meth:`from_inputs`.
    labels : array_like, (n,)
        A label 0 belongs neither to the positive nor to the negative samples.

    Raises
    ------
    ValueError
        If shapes differ, a norm is not positive, or all labels are 0.

    Notes
    -----
    Source: [boursier2022gradient]_ for the setting.

    Examples
    --------
    >>> data = OrthogonalData([1.0, 1.0, 2.0], [3.0, 4.0, -1.0])
    >>> data.beta_plus, data.minimum_variation_norm
    (array([3., 4., 0.]), 5.5)
    """

    norms: np.ndarray
    labels: np.ndarray
    frame: np.ndarray = field(default=None, init=False, repr=False)

    def __post_init__(self):
        norms = as_array("norms", self.norms, ("n",))
        if norms.min() <= 0:
            k = int(norms.argmin())
            raise ValueError(f"norms: expected numbers > 0, got {norms[k]:g} at index {k}")
        labels = as_array("labels", self.labels, norms.shape)
        if not labels.any():
            raise ValueError("labels: expected at least one that is not 0, got zeros only")
        for name, value in (("norms", norms), ("labels", labels), ("frame", np.eye(norms.size))):
            object.__setattr__(self, name, value)

    @classmethod
    def from_inputs(cls, X, labels):
        """Take the inputs as columns of a matrix.

        Parameters
        ----------
        X : array_like, (d, n)
            Orthogonal columns, none of them zero.
        labels : array_like, (n,)

        Returns
        -------
        OrthogonalData

        Raises
        ------
        ValueError
            If two columns are not orthogonal (the message names the worst pair and its cosine),
            a column is zero, or `labels` does not fit.

        Examples
        --------
        >>> OrthogonalData.from_inputs([[-0.5, 2.0], [1.0, 1.0]], [-1.0, 1.0]).D_plus
        array([1. , 0.5])
        """
        X = as_array("X", X, ("d", "n"))
        norms = np.linalg.norm(X, axis=0)
        if norms.min() == 0:
            raise ValueError(f"X: expected no zero column, got one at index {norms.argmin()}")
        units = X / norms
        cosines = np.triu(units.T @ units, 1)
        worst = np.unravel_index(np.abs(cosines).argmax(), cosines.shape)
        if abs(cosines[worst]) > COSINE:
            raise ValueError(
                f"X: expected orthogonal columns, got columns {worst[0]} and {worst[1]} with "
                f"cosine {cosines[worst]:.3g}"
            )
        data = cls(norms, labels)
        frame = np.linalg.qr(units, mode="complete")[0]
        frame[:, : norms.size] = units
        object.__setattr__(data, "frame", frame)
        return data

    @property
    def n(self):
        """Number of samples."""
        return self.norms.size

    @property
    def d(self):
        """Number of coordinates of an input."""
        return len(self.frame)

    @property
    def inputs(self):
        """The inputs as columns, ``(d, n)``."""
        return self.frame[:, : self.n] * self.norms

    @property
    def positive(self):
        """Which labels are positive, ``(n,)`` of bool."""
        return self.labels > 0

    @property
    def negative(self):
        """Which labels are negative, ``(n,)`` of bool."""
        return self.labels < 0

    @property
    def force(self):
        r"""Coordinates :math:`q_k y_k / n` of the force at zero outputs, ``(n,)``."""
        return self.norms * self.labels / self.n

    @property
    def final(self):
        r"""Coordinates :math:`|y_k| / q_k` of the final directions, ``(n,)``."""
        return np.abs(self.labels) / self.norms

    @property
    def D_plus(self):
        r"""The force :math:`\frac1n\sum_{y_k>0} y_k x_k`, ``(d,)``: where positive neurons turn."""
        return self._vector(self.force * self.positive)

    @property
    def D_minus(self):
        r"""The force :math:`\frac1n\sum_{y_k<0} y_k x_k`, ``(d,)``.

        Negative neurons turn to its opposite.
        """
        return self._vector(self.force * self.negative)

    @property
    def beta_plus(self):
        r"""The final direction :math:`\sum_{y_k>0} |y_k| q_k^{-2} x_k`, ``(d,)``."""
        return self._vector(self.final * self.positive)

    @property
    def beta_minus(self):
        r"""The final direction :math:`\sum_{y_k<0} |y_k| q_k^{-2} x_k`, ``(d,)``."""
        return self._vector(self.final * self.negative)

    @property
    def minimum_variation_norm(self):
        r"""Least :math:`\sum_j|a_j||w_j|` of an interpolator, :math:`|\beta_+| + |\beta_-|`."""
        groups = (self.positive, self.negative)
        return float(sum(np.linalg.norm(self.final[group]) for group in groups))

    def critical_level(self, fitted):
        r"""Critical value :math:`\frac1{2n}\sum_{k\notin A} y_k^2` of the loss.

        Parameters
        ----------
        fitted : array_like, (n,) of bool, or sequence of int
            The fitted samples A, as a mask or as indices.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If an index is out of range.

        Examples
        --------
        >>> OrthogonalData([1.0, 1.0], [1.0, 2.0]).critical_level([1])
        0.25
        """
        rest = self.labels[~as_samples("fitted", fitted, self.n)]
        return float(rest @ rest) / (2 * self.n)

    def coordinates(self, vectors):
        """Coordinates of vectors ``(..., d)``; the first n are those along the inputs."""
        return vectors @ self.frame

    def vectors(self, coordinates):
        """Vectors ``(..., d)`` with these coordinates ``(..., d)``."""
        return coordinates @ self.frame.T

    def _vector(self, along_inputs):
        """Vector with the given n coordinates along the inputs and no others."""
        return self.frame[:, : self.n] @ along_inputs


def balanced_init(width, dimension, *, rng):
    r"""Draw neurons :math:`w_j(0) = \lambda g_j`, :math:`a_j(0) = s_j|w_j(0)|`.

    Parameters
    ----------
    width, dimension : int
        Number m of neurons and number d of coordinates of an input.
    rng : numpy.random.Generator

    Returns
    -------
    directions : numpy.ndarray, (m, d)
        The Gaussian vectors :math:`g_j`.
    signs : numpy.ndarray, (m,)
        The fair signs :math:`s_j = \pm 1`. The scale :math:`\lambda` is given to the flow, as a
        logarithm.

    Raises
    ------
    ValueError
        If a size is no positive integer.

    Notes
    -----
    Source: [boursier2022gradient]_ for balanced starts.
    """
    shape = as_count("width", width), as_count("dimension", dimension)
    return rng.standard_normal(shape), rng.choice([-1.0, 1.0], shape[0])


def as_neurons(data, directions, signs):
    """Check directions ``(m, d)``, none of them zero, and signs ``(m,)`` of plus or minus 1."""
    if not isinstance(data, OrthogonalData):
        raise ValueError(f"data: expected OrthogonalData, got {type(data).__name__}")
    directions = as_array("directions", directions, ("m", data.d))
    lengths = np.linalg.norm(directions, axis=1)
    if lengths.min() == 0:
        raise ValueError(f"directions: expected no zero row, got one at index {lengths.argmin()}")
    return directions, as_signs(signs, len(directions))


def as_signs(signs, width):
    """Check the signs ``(m,)`` of the neurons."""
    signs = as_array("signs", signs, (width,))
    wrong = np.flatnonzero(np.abs(signs) != 1)
    if wrong.size:
        place = wrong[0]
        raise ValueError(f"signs: expected 1 or -1, got {signs[place]:g} at index {place}")
    return signs


def as_samples(name, samples, n):
    """Turn a mask or indices of samples into a mask ``(n,)``."""
    samples = np.asarray(samples if hasattr(samples, "dtype") else list(samples))
    if samples.dtype == bool and samples.shape == (n,):
        return samples
    whole = samples.dtype.kind in "iu" or samples.size == 0
    if not whole or samples.ndim != 1 or np.any((samples < 0) | (samples >= n)):
        raise ValueError(
            f"{name}: expected a mask ({n},) of bool or indices from 0 to {n - 1}, got {samples!r}"
        )
    mask = np.zeros(n, bool)
    mask[samples.astype(int)] = True
    return mask
