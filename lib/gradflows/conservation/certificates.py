r"""Certificates that a list of conservation laws is complete.

Vectors in :math:`\mathrm{Lie}(W_\phi)(\theta)` whose rank modulo a prime is k, and laws whose
gradients have rank N there, satisfy :math:`k + N \le` number of parameters. Equality proves, with
no tolerance anywhere, that at generic parameters the dimension is k and that near them every law
is a function of those exhibited.
"""

import json
from dataclasses import dataclass

import numpy as np

from gradflows.conservation.complete_lists import (
    extra_law_count,
    known_law_count,
    known_law_rank,
    law_monomials,
    network_widths,
    parameter_count,
    scalar_chains,
    so_dimension,
)
from gradflows.conservation.exact_counting import Witness, searched, searched_map
from gradflows.conservation.map_jets import gradients, polynomial_map
from gradflows.conservation.path_cover import covering_paths
from gradflows.modular import PRIME, rank_mod

__all__ = ["Certificate", "certify", "certify_map"]

DRAWS = 3
"""Draws of point and control; an unlucky one leaves the certificate open."""


@dataclass(frozen=True, eq=False)
class Certificate:
    """A count of conservation laws, and whether it is proved.

    Attributes
    ----------
    parameters : int
    lie_dimension : int
        Lower bound for the generic dimension of the Lie algebra; the dimension if complete.
    laws : int
        ``parameters - lie_dimension``: upper bound for the number of independent laws.
    exhibited : int
        Number of independent laws that are known: lower bound.
    complete : bool
        Whether the bounds meet: then there are no other laws.
    kind : str
        "linear", "relu" or "map".
    widths : tuple of int
        Empty for "map".
    bias : bool
    phi, law_terms : list
        For "map" the polynomials, as lists of ``(coefficient, exponents)``.
    witness : Witness or None
        What the vectors are computed from; None if a closed formula was used.
    """

    parameters: int
    lie_dimension: int
    laws: int
    exhibited: int
    complete: bool
    kind: str
    widths: tuple = ()
    bias: bool = False
    phi: tuple = ()
    law_terms: tuple = ()
    witness: Witness | None = None

    def __str__(self):
        bounds = f"dim Lie >= {self.lie_dimension}, independent laws >= {self.exhibited}"
        verdict = "complete" if self.complete else "open"
        return f"{self.parameters} parameters, {bounds}: {verdict}"

    def to_json(self):
        """Write everything a verifier needs.

        Returns
        -------
        str
            For ``python -m gradflows.conservation.check_certificate FILE``.

        Raises
        ------
        ValueError
            If a closed formula was used, so that there is nothing to recompute.
        """
        if self.witness is None:
            raise ValueError(
                "certificate: expected a computed one, got a closed formula; "
                'use certify(..., method="computed")'
            )
        network = self.kind != "map"
        laws = law_monomials(self.widths, self.kind, self.bias) if network else self.law_terms
        extra = extra_law_count(self.widths) if self.kind == "linear" and not self.bias else 0
        chains = scalar_chains(self.widths) if extra else []
        content = {
            "kind": self.kind,
            "widths": self.widths,
            "bias": self.bias,
            "prime": PRIME,
            "parameters": self.parameters,
            "lie_dimension": self.lie_dimension,
            "laws": self.laws,
            "exhibited": self.exhibited,
            "phi": _as_monomials(self.phi),
            "exhibited_laws": laws if network else _as_monomials(laws),
            "lemma": {"name": "scalar chains", "chains": chains, "extra": extra} if extra else None,
            "theta": self.witness.theta.tolist(),
            "control": self.witness.control.tolist(),
            "left": self.witness.left.tolist(),
            "right": self.witness.right.tolist(),
            "paths": covering_paths(self.widths, self.bias) if self.kind == "relu" else [],
        }
        return json.dumps(content)

    @classmethod
    def from_json(cls, text):
        """Read a certificate that :meth:`to_json` wrote, without checking it.

        Parameters
        ----------
        text : str

        Returns
        -------
        Certificate

        Raises
        ------
        ValueError
            If the text is no such certificate.
        """
        try:
            c = json.loads(text)
            theta, control, left, right = (
                np.array(c[key], dtype=np.int64) for key in ("theta", "control", "left", "right")
            )
            laws = c["exhibited_laws"] if c["kind"] == "map" else []
            return _compared(
                c["parameters"],
                c["lie_dimension"],
                c["exhibited"],
                kind=c["kind"],
                widths=tuple(c["widths"]),
                bias=c["bias"],
                phi=_as_exponents(c["phi"], theta.size),
                law_terms=_as_exponents(laws, theta.size),
                witness=Witness(theta, control, left, right),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"text: expected a certificate in JSON, got {problem!r}") from None


def certify(widths, kind="linear", bias=False, rng=None, *, method="auto"):
    """Count the conservation laws of a network, and prove the count if possible.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    kind : str
        "linear" or "relu", the latter for the path lifting.
    bias : bool
        Whether the hidden layers have biases.
    rng : numpy.random.Generator, optional
        Draws the witness, anew a few times if the bounds do not meet; seed 0 if left out.
    method : str
        "auto": closed formulas for two-layer linear networks without biases and for ReLU
        networks, exact computation for the others; "computed": always the computation.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If an argument is none of the above.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> print(certify((2, 3, 3, 2)))
    21 parameters, dim Lie >= 9, independent laws >= 12: complete
    """
    widths = network_widths(widths, kind, bias)
    if method not in ("auto", "computed"):
        raise ValueError(f'method: expected "auto" or "computed", got {method!r}')
    size, known = parameter_count(widths, bias), known_law_count(widths, kind, bias)
    extra = extra_law_count(widths) if kind == "linear" and not bias else 0
    given = {"kind": kind, "widths": widths, "bias": bool(bias)}
    if method == "auto" and (kind == "relu" or (len(widths) == 3 and not bias)):
        dimension = size - known if kind == "relu" else so_dimension(widths[2], *widths[:2])
        return _compared(size, dimension, known + extra, **given)
    rng = np.random.default_rng(0) if rng is None else rng
    for _ in range(DRAWS):
        found, witness = searched(widths, kind, bias, rng)
        exhibited = known_law_rank(widths, witness.theta, kind, bias) + extra
        certificate = _compared(size, found.dimension, exhibited, witness=witness, **given)
        if certificate.complete:
            break
    return certificate


def certify_map(phi, symbols, laws, rng=None):
    """Count the conservation laws of a polynomial map, given some of them.

    Parameters
    ----------
    phi : sequence of sympy expressions
        Polynomials with rational coefficients.
    symbols : sequence of sympy symbols
        The parameters.
    laws : sequence of sympy expressions
        Polynomials; each is checked to be a law, as an identity over the rationals.
    rng : numpy.random.Generator, optional
        As for :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If an expression is no polynomial with rational coefficients, or one of the laws is none.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> import sympy as sp
    >>> x, y = sp.symbols("x y")
    >>> print(certify_map([x * y], [x, y], [x**2 - y**2]))
    2 parameters, dim Lie >= 1, independent laws >= 1: complete
    """
    phi, symbols, laws = list(phi), list(symbols), list(laws)
    terms = polynomial_map(phi, symbols)
    law_terms = polynomial_map(laws, symbols, "laws") if laws else []
    _check_laws(phi, symbols, laws)
    rng = np.random.default_rng(0) if rng is None else rng
    for _ in range(DRAWS):
        found, witness = searched_map(terms, len(symbols), rng)
        residues = [[(c % PRIME, e) for c, e in law] for law in law_terms]
        slopes = gradients(residues, witness.theta[:, None])[:, :, 0]
        given = {"kind": "map", "phi": terms, "law_terms": law_terms, "witness": witness}
        certificate = _compared(len(symbols), found.dimension, rank_mod(slopes), **given)
        if certificate.complete:
            break
    return certificate


def _compared(size, dimension, exhibited, **given):
    """Compare the bounds."""
    complete = dimension + exhibited == size
    return Certificate(size, dimension, size - dimension, exhibited, complete, **given)


def _check_laws(phi, symbols, laws):
    """Expand the products of gradients over the rationals."""
    for j, law in enumerate(laws):
        for i, entry in enumerate(phi):
            product = sum(law.diff(x) * entry.diff(x) for x in symbols).expand()
            if product != 0:
                raise ValueError(
                    f"laws[{j}]: expected a law, got {law}: along the gradient of phi[{i}] "
                    f"it changes by {product}"
                )


def _as_monomials(polynomials):
    """Rewrite exponents as lists of indices with repetitions."""
    return [
        [[c, [j for j, power in enumerate(e) for _ in range(power)]] for c, e in polynomial]
        for polynomial in polynomials
    ]


def _as_exponents(polynomials, size):
    """Undo :func:`_as_monomials`."""
    return [
        [(c, tuple(indices.count(j) for j in range(size))) for c, indices in polynomial]
        for polynomial in polynomials
    ]
