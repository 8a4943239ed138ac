r"""The atlas of small linear networks: which networks, what is counted, and the shipped table.

Reversing a network, :math:`(W_1, \dots, W_h) \mapsto (W_h^T, \dots, W_1^T)`, transposes the
end-to-end matrix and permutes the parameters: all counts stay what they are. So of each pair only
one is kept, the one whose widths come first in lexicographic order.
"""

import itertools
import json
from dataclasses import dataclass, fields
from importlib.resources import files

import numpy as np

from gradflows.conservation.certificates import certify
from gradflows.conservation.complete_lists import extra_law_count, parameter_count
from gradflows.networks import DeepLinear
from gradflows.validation import as_count

__all__ = [
    "AtlasRecord",
    "atlas_certificate",
    "atlas_networks",
    "atlas_record",
    "canonical_widths",
    "load_atlas",
]

DATA = files("gradflows.conservation") / "data"
"""Where ``atlas.jsonl`` and ``schema.json`` are."""


@dataclass(frozen=True, order=True)
class AtlasRecord:
    """The laws of one linear network, and of the reversed one.

    Attributes
    ----------
    widths : tuple of int
        ``(d_0, ..., d_h)``, not after its reversal in lexicographic order.
    parameters : int
        Number of weights.
    lie_dimension : int
        Rank of the bracket vectors; the generic dimension of the Lie algebra if complete.
    laws : int
        ``parameters - lie_dimension``.
    known : int
        Rank of the gradients of the imbalances.
    extra : int
        Laws that the layers of width 1 add, by :func:`~gradflows.conservation.extra_law_count`.
    complete : bool
        Whether ``laws == known + extra``: then all these numbers are proved.
    """

    widths: tuple
    parameters: int
    lie_dimension: int
    laws: int
    known: int
    extra: int
    complete: bool

    @property
    def reversed(self):
        """Widths of the reversed network."""
        return self.widths[::-1]

    @property
    def depth(self):
        """Number of weight layers."""
        return len(self.widths) - 1

    def to_line(self):
        """Write the record as one line of JSON, without the line feed.

        Returns
        -------
        str
            Always the same keys in the same order.
        """
        content = {"widths": self.widths, "reversed": self.reversed}
        content |= {f.name: getattr(self, f.name) for f in fields(self)[1:]}
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_line(cls, line):
        """Read what :meth:`to_line` wrote.

        Parameters
        ----------
        line : str

        Returns
        -------
        AtlasRecord

        Raises
        ------
        ValueError
            If the line is none of the atlas.
        """
        try:
            content = json.loads(line)
            widths = tuple(content.pop("widths"))
            content.pop("reversed")
            record = cls(widths, **content)
            same = record.to_line() == line.strip() and widths == canonical_widths(widths)
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise ValueError(f"line: expected one of the atlas, got {problem!r}") from None
        if not same:
            raise ValueError(f"line: expected one of the atlas, got {line.strip()[:200]!r}")
        return record


def canonical_widths(widths):
    """Choose between a network and the reversed one.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.

    Returns
    -------
    tuple of int
        The widths, or the widths reversed, whichever comes first in lexicographic order.

    Raises
    ------
    ValueError
        If the widths are no positive integers.

    Examples
    --------
    >>> canonical_widths((3, 2, 4, 1))
    (1, 4, 2, 3)
    """
    widths = DeepLinear(widths).widths
    return min(widths, widths[::-1])


def atlas_networks(max_width, max_depth, max_parameters=None):
    """List the linear networks up to a size, one of each pair of reversed networks.

    Parameters
    ----------
    max_width : int
        All widths are from 1 to ``max_width``.
    max_depth : int
        Networks have from 2 to ``max_depth`` weight layers.
    max_parameters : int, optional
        Leave out networks with more parameters.

    Returns
    -------
    list of tuple of int
        The shallow ones first, those of one depth in lexicographic order.

    Raises
    ------
    ValueError
        If an argument is no positive integer, or ``max_depth`` is 1.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> atlas_networks(2, 2)
    [(1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2), (2, 1, 2), (2, 2, 2)]
    """
    max_width, max_depth = as_count("max_width", max_width), as_count("max_depth", max_depth)
    if max_depth < 2:
        raise ValueError(f"max_depth: expected at least 2 weight layers, got {max_depth}")
    limit = np.inf if max_parameters is None else as_count("max_parameters", max_parameters)
    choices = range(1, max_width + 1)
    return [
        widths
        for depth in range(2, max_depth + 1)
        for widths in itertools.product(choices, repeat=depth + 1)
        if widths <= widths[::-1] and parameter_count(widths) <= limit
    ]


def atlas_certificate(widths):
    """Certify a network as the atlas does, always by computation.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first; the reversed network has the same certificate.

    Returns
    -------
    Certificate
        The random numbers are seeded by the widths, so that everybody gets the same one.

    Raises
    ------
    ValueError
        If the widths are no positive integers.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> print(atlas_certificate((1, 2, 2, 1)))
    8 parameters, dim Lie >= 1, independent laws >= 7: complete
    """
    widths = canonical_widths(widths)
    return certify(widths, rng=np.random.default_rng(widths), method="computed")


def atlas_record(widths):
    """Count the laws of one network: a row of the atlas.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.

    Returns
    -------
    AtlasRecord

    Raises
    ------
    ValueError
        If the widths are no positive integers.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> record = atlas_record((1, 2, 2, 1))
    >>> record.laws, record.known, record.extra, record.complete
    (7, 6, 1, True)
    """
    found = atlas_certificate(widths)
    extra = extra_law_count(found.widths)
    counts = found.parameters, found.lie_dimension, found.laws, found.exhibited - extra, extra
    return AtlasRecord(found.widths, *counts, found.complete)


def load_atlas():
    """Read the shipped atlas: widths from 1 to 5, two to four weight layers.

    Returns
    -------
    list of AtlasRecord
        In the order of :func:`atlas_networks`.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> len(load_atlas())
    2025
    """
    lines = (DATA / "atlas.jsonl").read_text(encoding="utf-8").splitlines()
    return [AtlasRecord.from_line(line) for line in lines]
