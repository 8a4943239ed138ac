"""The verifier accepts what is true, and rejects what is changed."""

import ast
import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from gradflows.conservation import certify, certify_map, check_certificate
from gradflows.conservation.check_certificate import RejectedError, check

x, y, z = sp.symbols("x y z")
SAMPLES = {
    "linear": lambda: certify((2, 3, 3, 2)),
    "chains": lambda: certify((2, 1, 2, 2, 1, 2)),
    "biases": lambda: certify((2, 2, 3, 2), "linear", True),
    "wide": lambda: certify((1, 4, 1), method="computed"),
    "relu": lambda: certify((2, 3, 3, 2), "relu", True, method="computed"),
    "map": lambda: certify_map([x * y * z], [x, y, z], [x**2 - y**2, y**2 - z**2]),
}


@pytest.fixture(params=SAMPLES)
def content(request):
    return json.loads(SAMPLES[request.param]().to_json())


def test_true_certificates_are_accepted(content):
    assert f"{content['laws']} laws, complete" in check(content)


@pytest.mark.parametrize(
    "widths", [(1, 1, 1), (3, 3), (2, 6, 2), (1, 2, 2, 1), (1, 3, 1, 4, 3, 1), (2, 4, 5, 2, 3)]
)
def test_it_agrees_with_the_library(widths):
    found = certify(widths, method="computed")
    assert check(json.loads(found.to_json())) == (
        f"{found.parameters} parameters, dim Lie = {found.lie_dimension}, "
        f"{found.laws} laws, complete"
    )


def test_a_parameter_that_nothing_moves():
    found = certify_map([x * y], [x, y, z], [x**2 - y**2, z])
    assert check(json.loads(found.to_json())) == "3 parameters, dim Lie = 1, 2 laws, complete"


@pytest.mark.parametrize("key", ["parameters", "lie_dimension", "laws", "exhibited"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_changed_count_is_rejected(content, key, change):
    content[key] += change
    with pytest.raises(RejectedError):
        check(content)


def test_every_flipped_sign_and_changed_coefficient_is_rejected(content):
    for i, law in enumerate(content["exhibited_laws"]):
        for j in range(len(law)):
            for factor in (-1, 2):
                wrong = copy.deepcopy(content)
                wrong["exhibited_laws"][i][j][0] *= factor
                with pytest.raises(RejectedError, match="no law"):
                    check(wrong)


def test_a_missing_law_and_a_repeated_one_are_rejected(content):
    for change in (lambda laws: laws[1:], lambda laws: laws[:-1] + laws[:1]):
        wrong = {**content, "exhibited_laws": change(content["exhibited_laws"])}
        if content["widths"] == [1, 4, 1]:
            continue  # ten laws of which seven are independent: any nine of them are enough
        with pytest.raises(RejectedError, match="the bounds do not meet"):
            check(wrong)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prime", 2097141),
        ("prime", 2),
        ("kind", "tanh"),
        ("widths", [2, 3, 4, 2]),
        ("bias", True),
        ("theta", [1.5] * 21),
        ("control", []),
        ("left", []),
        ("right", [[1]]),
        ("lemma", {"name": "scalar chains", "chains": [], "extra": 1}),
        ("lemma", {"name": "another", "chains": [], "extra": 0}),
        ("exhibited_laws", []),
        ("exhibited_laws", [[[1, [0, 99]]]]),
        ("exhibited_laws", [[[1, [0]]]]),
        ("exhibited_laws", [[[0.5, [0, 0]]]]),
    ],
)
def test_other_changes_are_rejected(key, value):
    content = {**json.loads(SAMPLES["linear"]().to_json()), key: value}
    with pytest.raises((RejectedError, ValueError, TypeError)):
        check(content)


def test_a_false_path_is_rejected():
    content = json.loads(SAMPLES["relu"]().to_json())
    for path in ([0], [9, 0], [0, 9], content["paths"][0][1:]):
        wrong = {**content, "paths": [path, *content["paths"]]}
        with pytest.raises(RejectedError, match="no path"):
            check(wrong)


def test_the_extra_laws_come_from_the_widths_alone():
    content = json.loads(SAMPLES["chains"]().to_json())
    with pytest.raises(RejectedError, match="the lemma gives 1 further"):
        check({**content, "lemma": {**content["lemma"], "extra": 2}})
    with pytest.raises(RejectedError, match="the bounds do not meet"):
        check({**content, "lemma": None})


def test_a_law_modulo_the_prime_only_is_rejected():
    """phi = (x^2, p y^2): modulo p the second field is zero and y is a law; there is none."""
    content = json.loads(certify_map([x**2, 2097143 * y**2], [x, y], []).to_json())
    content |= {"lie_dimension": 1, "laws": 1, "exhibited": 1, "exhibited_laws": [[[1, [1]]]]}
    with pytest.raises(RejectedError, match="no law"):
        check(content)
    with pytest.raises(RejectedError, match="the bounds do not meet"):
        check({**content, "exhibited": 0, "exhibited_laws": []})


def test_unlucky_draws_never_close_wrongly(content):
    """Whatever point, control or prime: what is accepted is what is true."""
    rng, truth, accepted = np.random.default_rng(0), check(content), 0
    for prime in (3, 5, 7, 101, 2097143):
        for _ in range(12):
            drawn = {**content, "prime": prime}
            for key in ("theta", "control", "left", "right"):
                drawn[key] = rng.integers(0, prime, np.shape(content[key])).tolist()
            try:
                assert check(drawn) == truth
                accepted += 1
            except RejectedError as reason:
                assert "the bounds do not meet" in str(reason) or "control" in str(reason)
    assert 12 <= accepted < 60


def test_it_needs_nothing_of_the_library():
    tree = ast.parse(Path(check_certificate.__file__).read_text(encoding="utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert names == {"json", "sys", "collections", "numpy"}


def test_on_the_command_line(tmp_path):
    good, bad, broken = (tmp_path / name for name in ("good.json", "bad.json", "broken.json"))
    text = SAMPLES["linear"]().to_json()
    good.write_text(text, encoding="utf-8")
    bad.write_text(text.replace('"laws": 12', '"laws": 13'), encoding="utf-8")
    broken.write_text("{}", encoding="utf-8")
    alone = [sys.executable, check_certificate.__file__, str(good)]
    run = subprocess.run(alone, capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.startswith("accepted: 21 parameters")
    module = [sys.executable, "-m", "gradflows.conservation.check_certificate"]
    run = subprocess.run([*module, str(bad)], capture_output=True, text=True)
    assert run.returncode == 1 and run.stdout.startswith("rejected: claimed")
    assert check_certificate.main([str(broken)]) == check_certificate.main(["no such file"]) == 1
    assert check_certificate.main([]) == 2
