r"""Polynomial laws over the integers, stored sparsely.

All laws of a basis are homogeneous of one degree d. A monomial is a row of d indices in
increasing order: ``(0, 0, 3)`` stands for :math:`\theta_0^2\theta_3`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp
from scipy import sparse

from gradflows.modular import PRIME, rank_mod
from gradflows.validation import as_array

__all__ = ["LawBasis"]


@dataclass(frozen=True, eq=False)
class LawBasis:
    r"""Linearly independent homogeneous polynomials :math:`q_1, \dots, q_k` in the parameters.

    .. math:: q_i(\theta) = \sum_\alpha c_{i\alpha} \prod_j \theta_{\alpha_j}

    Attributes
    ----------
    names : tuple of str
        Names of the parameters, in the order of ``theta``.
    monomials : numpy.ndarray of int, (m, d)
        Indices of the factors of each monomial, in increasing order along a row.
    coefficients : scipy.sparse.csr_array of int, (k, m)

    Raises
    ------
    ValueError
        If the shapes do not fit, an index is no index of a parameter, or a coefficient is no
        integer.

    Examples
    --------
    >>> from gradflows.conservation import known_laws
    >>> known_laws((1, 1, 1), "linear").as_sympy()
    [-w1_1_1**2 + w2_1_1**2]
    """

    names: tuple
    monomials: np.ndarray
    coefficients: sparse.csr_array

    def __post_init__(self):
        monomials = np.asarray(self.monomials)
        coefficients = sparse.csr_array(self.coefficients)
        if monomials.ndim != 2 or monomials.dtype.kind not in "iu":
            raise ValueError(
                f"monomials: expected an array of integers (m, d), got {monomials.dtype} "
                f"{monomials.shape}"
            )
        if monomials.size and not 0 <= monomials.min() <= monomials.max() < self.size:
            raise ValueError(f"monomials: expected indices from 0 to {self.size - 1}")
        if coefficients.shape[1] != len(monomials) or coefficients.dtype.kind not in "iu":
            raise ValueError(
                f"coefficients: expected integers of shape (k, {len(monomials)}), got "
                f"{coefficients.dtype} {coefficients.shape}"
            )
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "monomials", monomials.astype(np.int64))
        object.__setattr__(self, "coefficients", coefficients.astype(np.int64))

    def __len__(self):
        return self.coefficients.shape[0]

    def __repr__(self):
        return f"LawBasis({len(self)} laws of degree {self.degree}, {self.size} parameters)"

    @property
    def size(self):
        """Number of parameters."""
        return len(self.names)

    @property
    def degree(self):
        """Degree d of all polynomials."""
        return self.monomials.shape[1]

    @property
    def kernel_dimension(self):
        """Number of linearly independent polynomials; for a search, the dimension of the kernel."""
        return len(self)

    @cached_property
    def independent(self):
        r"""Number of functionally independent ones: the generic rank of the gradients.

        It is the rank modulo a prime at a fixed pseudorandom point, so it is never more than the
        generic rank, and less only if that point is a root of all maximal minors modulo p.
        """
        if len(self) == 0:
            return 0
        theta = np.random.default_rng(self.size).integers(1, PRIME, self.size)
        return rank_mod(self.gradients_mod(theta))

    def values(self, theta):
        """Evaluate all laws.

        Parameters
        ----------
        theta : array_like, (size,) or (m, size)

        Returns
        -------
        numpy.ndarray, (k,) or (m, k)

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        theta = as_array("theta", theta, (self.size,), stack=True)
        powers = theta[..., self.monomials].prod(axis=-1)
        return (self.coefficients @ powers.T).T

    def gradients(self, theta):
        """Differentiate all laws in the parameters.

        Parameters
        ----------
        theta : array_like, (size,)

        Returns
        -------
        numpy.ndarray, (k, size)

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        theta = as_array("theta", theta, (self.size,))
        factors = _other_factors(theta, self.monomials)
        return (self.coefficients @ self._spread(factors)).toarray()

    def gradients_mod(self, theta, p=PRIME):
        """Differentiate all laws at an integer point, modulo a prime.

        Parameters
        ----------
        theta : array_like of int, (size,)
        p : int
            A prime below 2**21.

        Returns
        -------
        numpy.ndarray of int, (k, size)
            Residues 0..p-1.

        Raises
        ------
        ValueError
            If ``theta`` is no integer vector of this length.
        """
        theta = np.asarray(theta)
        if theta.shape != (self.size,) or theta.dtype.kind not in "iu":
            raise ValueError(
                f"theta: expected integers of shape ({self.size},), got {theta.dtype} {theta.shape}"
            )
        factors = _other_factors(theta.astype(np.int64) % p, self.monomials, p)
        reduced = self.coefficients.copy()
        reduced.data = reduced.data % p
        return (reduced @ self._spread(factors)).toarray() % p

    def as_sympy(self):
        """Write the laws as sympy expressions in symbols with the names of the parameters.

        Returns
        -------
        list of sympy.Expr
        """
        symbols = sp.symbols(self.names, real=True)
        powers = [sp.Mul(*(symbols[j] for j in row)) for row in self.monomials]
        laws = []
        for i in range(len(self)):
            row = self.coefficients[[i]].tocoo()
            terms = zip(row.coords[-1], row.data, strict=True)
            laws.append(sp.Add(*(int(value) * powers[j] for j, value in terms)))
        return laws

    def _spread(self, factors):
        """Sum the derivatives of each monomial by parameter: a sparse matrix (m, size)."""
        rows = np.repeat(np.arange(len(self.monomials)), self.degree)
        shape = (len(self.monomials), self.size)
        return sparse.coo_array((factors.ravel(), (rows, self.monomials.ravel())), shape).tocsr()


def _other_factors(theta, monomials, p=None):
    """Multiply, for each place of each monomial, the factors at all other places."""
    values = theta[monomials]
    result = np.ones_like(values)
    for place in range(monomials.shape[1]):
        for other in range(monomials.shape[1]):
            if other != place:
                result[:, place] *= values[:, other]
                if p is not None:
                    result[:, place] %= p
    return result
