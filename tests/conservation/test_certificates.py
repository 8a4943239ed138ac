"""Certificates: golden rows, random networks, open ones, JSON, bad input."""

import json

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.conservation import Certificate, certificates, certify, certify_map

x, y, z = sp.symbols("x y z")

ROWS = [
    # kind, widths, bias, parameters, dimension, laws
    ("linear", (1, 1, 1), False, 2, 1, 1),
    ("linear", (2, 2, 2), False, 8, 5, 3),
    ("linear", (3, 2, 3), False, 12, 9, 3),
    ("linear", (2, 3, 2), False, 12, 6, 6),
    ("linear", (2, 6, 2), False, 24, 6, 18),
    ("linear", (1, 4, 1), False, 8, 1, 7),
    ("linear", (2, 2, 2, 2), False, 12, 6, 6),
    ("linear", (2, 3, 3, 2), False, 21, 9, 12),
    ("linear", (3, 3, 3, 3), False, 27, 15, 12),
    ("linear", (2, 5, 5, 2), False, 45, 15, 30),
    ("linear", (2, 4, 5, 2, 3), False, 44, 16, 28),
    ("linear", (3, 4, 4, 4, 3), False, 56, 26, 30),
    ("linear", (2, 2, 2, 2, 2), False, 16, 7, 9),
    ("linear", (1, 2, 2, 1), False, 8, 1, 7),
    ("linear", (1, 3, 3, 1), False, 15, 1, 14),
    ("linear", (1, 2, 2, 2, 1), False, 12, 1, 11),
    ("linear", (2, 1, 2, 2, 1, 2), False, 12, 3, 9),
    ("linear", (2, 2, 2), True, 10, 7, 3),
    ("linear", (1, 4, 1), True, 12, 3, 9),
    ("linear", (1, 2, 2, 1), True, 12, 6, 6),
    ("linear", (2, 5, 3, 2), True, 39, 18, 21),
    ("relu", (3, 4, 2), False, 20, 16, 4),
    ("relu", (3, 4, 2), True, 24, 20, 4),
    ("relu", (2, 3, 3, 2), False, 21, 15, 6),
    ("relu", (6, 7, 6, 5), True, 127, 114, 13),
]


@pytest.mark.parametrize("method", ["auto", "computed"])
@pytest.mark.parametrize(("kind", "widths", "bias", "parameters", "dimension", "laws"), ROWS)
def test_golden_rows(kind, widths, bias, parameters, dimension, laws, method):
    found = certify(widths, kind, bias, method=method)
    assert found.complete
    assert (found.parameters, found.lie_dimension) == (parameters, dimension)
    assert found.laws == found.exhibited == laws


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(0, 2**30))
def test_biases_leave_no_extra_laws(widths, seed):
    assert certify(widths, "linear", True, np.random.default_rng(seed)).complete


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(0, 2**30))
def test_every_small_network_is_certified(widths, seed):
    found = certify(widths, rng=np.random.default_rng(seed), method="computed")
    mirrored = certify(widths[::-1], rng=np.random.default_rng(seed), method="computed")
    assert found.complete and mirrored.complete
    assert found.lie_dimension == mirrored.lie_dimension


def test_large_networks_by_their_formulas():
    found = certify((784, 512, 256, 10), "relu", True)
    assert (found.parameters, found.laws, found.complete) == (535808, 768, True)
    assert certify((3000, 2000, 1000)).laws == 2001000


def test_an_unlucky_prime_leaves_the_certificate_open():
    phi = [x**2 / 2, certificates.PRIME * y**2 / 2]
    found = certify_map(phi, [x, y], [])
    assert (found.lie_dimension, found.exhibited, found.complete) == (1, 0, False)
    assert str(found).endswith("open")
    with pytest.raises(ValueError, match=r"laws\[0\]: expected a law, got y"):
        certify_map(phi, [x, y], [y])
    assert certify_map([x**2 / 2, y**2 / 2], [x, y], []).complete


def test_an_unlucky_draw_is_repeated(monkeypatch):
    draws = []

    class Unlucky:
        """Draws zeros first: the weights (0, 0) are a point where nothing moves."""

        def integers(self, low, high, shape, dtype):
            draws.append(shape)
            return np.full(shape, len(draws) > 4, dtype=dtype)

    found = certify((1, 1, 1), rng=Unlucky(), method="computed")
    assert found.complete and len(draws) > 4
    monkeypatch.setattr(certificates, "DRAWS", 1)
    draws.clear()
    assert not certify((1, 1, 1), rng=Unlucky(), method="computed").complete


def test_maps():
    laws = [x**2 - y**2, y**2 - z**2]
    assert certify_map([x * y * z], [x, y, z], laws).complete
    assert not certify_map([x * y * z], [x, y, z], laws[:1]).complete
    doubled = certify_map([x * y * z], [x, y, z], [laws[0], 3 * laws[0], laws[0] ** 2])
    assert (doubled.exhibited, doubled.laws) == (1, 2)


def test_json_goes_there_and_back():
    for found in (
        certify((2, 3, 3, 2)),
        certify((1, 2, 2, 1)),
        certify((3, 4, 2), "relu", True, method="computed"),
        certify_map([x * y / 2, y**2 * z], [x, y, z], []),
    ):
        text = found.to_json()
        again = Certificate.from_json(text)
        assert again.to_json() == text
        assert str(again) == str(found)
        assert np.array_equal(again.witness.theta, found.witness.theta)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: certify((3,)), "widths: expected at least two"),
        (lambda: certify((3, 2), "mlp"), 'kind: expected "linear" or "relu"'),
        (lambda: certify((3, 2), "linear", 1), "bias: expected True or False"),
        (lambda: certify((3, 2), method="float"), 'method: expected "auto" or "computed"'),
        (lambda: certify((3, 2, 1)).to_json(), "certificate: expected a computed one"),
        (lambda: certify_map([x], [x], [sp.exp(x)]), r"laws\[0\]: expected a polynomial"),
        (lambda: Certificate.from_json("{}"), "text: expected a certificate in JSON"),
        (lambda: Certificate.from_json("no"), "text: expected a certificate in JSON"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_file_names_its_lemma():
    content = json.loads(certify((2, 1, 2, 2, 1, 2)).to_json())
    assert content["lemma"] == {"name": "scalar chains", "chains": [[1, 4]], "extra": 1}
    assert json.loads(certify((2, 3, 3, 2)).to_json())["lemma"] is None
