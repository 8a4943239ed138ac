"""Right answers in other conventions, and wrong answers with the words that must name them.

Each entry is a function of a student's data; `WRONG` adds what the reasons must contain.
"""

from itertools import combinations

import numpy as np
import sympy as sp
from scipy.optimize import fsolve

from gradflows.grading.shallow_relu.races import switches
from gradflows.shallow_relu import variation_norm_by_lp

A, W1, B1, W2, B2, C = sp.symbols("a w1 b1 w2 b2 c")


def _gradient(d, scale=1.0, slope=lambda z: z > 0, signs=(1, 1, 1), order=range(6)):
    def gradient(theta):
        w, b, a = np.asarray(theta).reshape(2, 3).T
        z = np.outer(w, d.x) + b[:, None]
        r = a @ np.maximum(z, 0) - d.y
        inner = a[:, None] * slope(z) * r / 5
        rows = [inner @ d.x, inner.sum(axis=1), np.maximum(z, 0) @ r / 5]
        return scale * (np.stack(rows, axis=1) * signs).ravel()[list(order)]

    return gradient


def _by_samples(d):
    def gradient(theta):
        total = [0.0] * 6
        for x, y in zip(d.x, d.y, strict=True):
            z = [theta[3 * j] * x + theta[3 * j + 1] for j in range(2)]
            r = sum(theta[3 * j + 2] * max(z[j], 0.0) for j in range(2)) - y
            for j in range(2):
                if z[j] > 0:
                    for i, part in enumerate((theta[3 * j + 2] * x, theta[3 * j + 2], z[j])):
                        total[3 * j + i] += r * part / 5
        return total

    return gradient


def _law(p, q, sign=-1):
    return A**2 + sign * (p * (W1**2 + B1**2) + q * (W2**2 + B2**2))


def _levels(d, mixed=False, scale=0.1, fitted=False, distinct=True):
    groups = [d.y] if mixed else [d.y[d.y > 0], d.y[d.y < 0]]
    values = []
    for group in groups:
        for size in range(len(group) + 1):
            for some in combinations(group**2, size):
                values.append(scale * (sum(some) if fitted else np.sum(d.y**2) - sum(some)))
    return list(np.unique(np.round(values, 9))) if distinct else values


def _rest(d, off=0.5, power=1, sign=1, balance=True, level=None, spread=1):
    q, level = np.linalg.norm(d.X, axis=1), d.level if level is None else level
    masks = [np.array([k >> i & 1 for i in range(4)], dtype=bool) for k in range(16)]
    A_ = min(masks, key=lambda m: abs(np.sum(d.y[~m] ** 2) / 8 - level))
    W, a = [], []
    for s in (1, -1):
        v = np.where(A_ & (s * d.y > 0), np.abs(d.y) / q**power, -off) @ (d.X / q[:, None])
        size = np.sqrt(np.linalg.norm(v)) if balance else 1.0
        for _ in range(spread):
            W.append(v / size / np.sqrt(spread))
            a.append(sign * s * size / np.sqrt(spread))
    return {"W": np.array(W), "a": np.array(a)}


def _force(d, power=1, n=3):
    return np.append(d.sign * d.q**power * d.y / n, 0.0)


def _back(w, push, time):
    rate, norm = np.linalg.norm(push), np.linalg.norm(w)
    c = push @ w / (rate * norm)
    return w - norm / rate * (np.sinh(rate * time) - c * (np.cosh(rate * time) - 1)) * push


def _order(d, force=None, speed=1.0, keep=False, first=None, rest=1.0, scale=1.0):
    force = _force(d) if force is None else force
    first = d.first if first is None else first
    second, own = d.first + d.second - first, 3 - d.first - d.second
    for size in 2.0 ** np.arange(12):
        end = np.zeros(4)
        end[own], end[3] = size, rest
        push = force * np.isin(np.arange(4), [own, second])
        if keep:
            push = force.copy()
            end[first] = force[first] * 1e-9
            # the coordinate that is kept must vanish at t1: adjust it at t2
            fit = lambda x, end=end, push=push: _back(  # noqa: E731
                np.where(np.arange(4) == first, x, end), push, speed * (d.t2 - d.t1)
            )[first]
            end[first] = fsolve(fit, force[first], xtol=1e-13)[0]
        middle = _back(end, push, speed * (d.t2 - d.t1))
        middle[first] = 0.0
        start = _back(middle, force, speed * d.t1)
        if start[own] > 0 and middle[own] > 0:
            return scale * start
    raise AssertionError("no start")


def _late(d):
    start = _order(d).copy()
    start[d.second] *= 1.05
    return start


def _by_search(d):
    start, order = _order(d).copy(), [d.first, d.second]
    start[3] *= 1.3
    force = _force(d)

    def miss(z):
        start[order] = z
        return switches(start, force, 20.0)[order] - [d.t1, d.t2]

    start[order] = fsolve(miss, start[order], xtol=1e-12)
    return start


def _race(d, pulls=(2.0, 1.0, 0.1, 1.5), rule="right", norm="jumps"):
    a, b, c = d.fastest
    shared = next(k for k in d.sets[a] if k in d.sets[b])
    own = [next(k for k in d.sets[j] if k != shared) for j in (a, b, c)]
    pull = np.zeros(4)
    pull[[shared, *own]] = pulls
    y = pull / d.q
    force = y if rule == "norms" else pull
    n = 1 if rule == "n" else 4
    ra, rb, rc = (np.linalg.norm(force[d.sets[j]]) / n for j in (a, b, c))
    last = force[own[1]] / n
    times = [1 / ra, 1 / rc, 1 / ra + (1 - rb / ra) / last]
    if rule == "constant":
        times = [1 / ra, 1 / rb, 1 / rc]
    if rule == "restart":
        times = [1 / ra, 1 / ra + 1 / rc, 1 / ra + 1 / rc + 1 / last]
    fit = y / d.q
    total = np.hypot(fit[shared], fit[own[0]]) + fit[own[1]] + fit[own[2]]
    return {"labels": y, "times": times, "norm": np.linalg.norm(fit) if norm == "least" else total}


def _least(d, parts=1, mu=1.0):
    inverse = np.linalg.inv(d.X)
    W = np.repeat(inverse.T, parts, axis=0)
    a = np.repeat(d.y, parts) / parts
    return {"W": W, "a": a, "mu": mu * np.sign(d.y) * np.linalg.norm(inverse, axis=0)}


def _orthogonal(d):
    q2 = np.sum(d.X**2, axis=1)
    mu = np.sign(d.y) / np.sqrt(q2)
    return {"W": d.X * (np.abs(d.y) / q2)[:, None], "a": np.sign(d.y), "mu": mu}


def _along_inputs(d):
    """Interpolate with neurons along the two inputs; too expensive."""
    weights = np.linalg.solve(np.maximum(d.X @ d.X.T, 0), d.y)
    return {"W": d.X, "a": weights, "mu": _least(d)["mu"]}


def _by_program(d):
    program = variation_norm_by_lp(d.X.T, d.y)
    return {"W": program.directions, "a": program.weights, "mu": program.dual}


RIGHT = {
    "shallow-relu-gradient": {
        "a loop over samples": _by_samples,
        "by the step function": lambda d: _gradient(d, slope=lambda z: np.heaviside(z, 0.0)),
    },
    "shallow-relu-law": {
        "text with the other sign": lambda d: str(-_law(d.p, d.q)),
        "its square and a factor": lambda d: sp.Rational(3, 2) * _law(d.p, d.q) ** 2 + 1,
        "floating coefficients": lambda d: 0.5 * _law(d.p, d.q),
    },
    "shallow-relu-levels": {
        "from the top": lambda d: _levels(d)[::-1],
        "an array": lambda d: np.array(_levels(d)),
    },
    "shallow-relu-rest": {
        "far from the walls": lambda d: _rest(d, off=3.0),
        "six neurons": lambda d: _rest(d, spread=3),
    },
    "shallow-relu-order": {
        "a thousand times as large": lambda d: _order(d, scale=1000.0),
        "tiny": lambda d: _order(d, scale=1e-30),
        "the other way in the last coordinate": lambda d: _order(d) * [1, 1, 1, -1],
        "by a search": _by_search,
    },
    "shallow-relu-overtaken": {
        "other labels": lambda d: _race(d, (3.0, 1.5, 0.2, 2.0)),
        "times in another order": lambda d: {**_race(d), "times": _race(d)["times"][::-1]},
    },
    "shallow-relu-least": {
        "unit output weights times labels": _least,
        "many equal neurons": lambda d: _least(d, parts=3),
        "by a linear program": _by_program,
    },
}

WRONG = {
    "shallow-relu-gradient": {
        "feel all samples": lambda d: _gradient(d, slope=lambda z: np.ones_like(z)),
        "0 or 1, not its value": lambda d: _gradient(d, slope=lambda z: np.maximum(z, 0)),
        "1/n of the mean loss is missing": lambda d: _gradient(d, 5.0),
        "twice": lambda d: _gradient(d, 2.0),
        "opposite": lambda d: _gradient(d, -1.0),
        "the order is (w1, w2": lambda d: _gradient(d, order=[0, 3, 1, 4, 2, 5]),
        "wrong sign in: b1, b2": lambda d: _gradient(d, signs=(1, -1, 1)),
    },
    "shallow-relu-law": {
        "exchanged": lambda d: _law(d.q, d.p),
        "both powers are 1": lambda d: _law(1, 1),
        "sign is wrong": lambda d: _law(d.p, d.q, 1),
        "biases are missing": lambda d: A**2 - d.p * W1**2 - d.q * W2**2,
        "the skip": lambda d: _law(d.p, d.q) - C**2,
        "not on all": lambda d: A**2 - d.p * (W1**2 + B1**2),
        "a constant": lambda d: sp.Integer(2),
    },
    "shallow-relu-levels": {
        "both signs": lambda d: _levels(d, mixed=True),
        "factor 1/2": lambda d: _levels(d, scale=0.2),
        "factor 1/n": lambda d: _levels(d, scale=0.5),
        "over the fitted samples": lambda d: _levels(d, fitted=True),
        "missing": lambda d: _levels(d)[1:],
        "given twice": lambda d: _levels(d, distinct=False),
    },
    "shallow-relu-rest": {
        "at the kink": lambda d: _rest(d, off=0.0),
        "the norms of the inputs": lambda d: _rest(d, power=0),
        "wrong sign": lambda d: _rest(d, sign=-1),
        "is not the norm": lambda d: _rest(d, balance=False),
        "on the level": lambda d: _rest(d, level=0.0),
        "seen, but not fitted": lambda d: _rest(d, off=-0.01),
    },
    "shallow-relu-order": {
        "exchanged": lambda d: _order(d, first=d.second),
        "without 1/2": lambda d: _order(d, force=2 * _force(d)),
        "factor 1/n": lambda d: _order(d, force=_force(d, n=1)),
        "norm of the input is missing": lambda d: _order(d, force=_force(d, power=0)),
        "counts in the norm": lambda d: np.append(_order(d, rest=0.0)[:3], 1.0),
        "force is another one": lambda d: _order(d, keep=True),
        "lost at": _late,
        "does not see all": lambda d: -_order(d),
    },
    "shallow-relu-overtaken": {
        "nobody overtakes": lambda d: _race(d, (2.0, 1.0, 0.9, 0.5)),
        "not the rates in the order": lambda d: _race(d, (2.0, 1.0, 0.1, 3.0)),
        "without any change": lambda d: _race(d, rule="constant"),
        "is not lost": lambda d: _race(d, rule="restart"),
        "factor 1/n": lambda d: _race(d, rule="n"),
        "is q_k y_k / n": lambda d: _race(d, rule="norms"),
        "least norm": lambda d: _race(d, norm="least"),
        "positive": lambda d: {**_race(d), "labels": -_race(d)["labels"]},
    },
    "shallow-relu-least": {
        "sees the other one too": _orthogonal,
        "the norm": _along_inputs,
        "correlation reaches": lambda d: _least(d, mu=1.1),
        "prove": lambda d: _least(d, mu=0.9),
        "wrong sign": lambda d: _least(d, mu=-1.0),
    },
}
