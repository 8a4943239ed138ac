"""Right answers in other conventions, and wrong answers with the words that must name them.

Each entry is a function of a student's data; `WRONG` adds what the reasons must contain.
"""

import numpy as np
import sympy as sp
from scipy.optimize import minimize_scalar

from gradflows.grading.foundations.ends import time_to


def _gradient(d, scale=1.0, signs=(1, 1, 1), order=(0, 1, 2)):
    def gradient(theta):
        u, v, w = theta
        r = u * (v * d.x + w * d.z) - d.y
        entries = np.array([r @ (v * d.x + w * d.z), u * (r @ d.x), u * (r @ d.z)])
        return (scale * entries * signs)[list(order)]

    return gradient


def _product(d, clock=1.0, x=None, scale=1.0):
    x = d.x if x is None else x
    limit, rate = d.y / x, 2 * x * d.y * clock
    return lambda t: scale * limit / (1 + (limit / d.start**2 - 1) * np.exp(-rate * t))


def _penalised(d, decay=None, kinds=("strict saddle", "minimum", "minimum"), flip=1):
    decay = d.decay if decay is None else decay
    size = np.sqrt(abs(d.y) - decay)
    points = [(0, 0), (size, flip * np.sign(d.y) * size), (-size, -flip * np.sign(d.y) * size)]
    return [{"point": p, "kind": k} for p, k in zip(points, kinds, strict=True)]


def _step(d, numerator=2.0, imbalance=True):
    c = (d.start[0] ** 2 - d.start[1] ** 2) * imbalance
    return numerator / np.sqrt(c**2 + 4 * d.y**2)


def _end(d, keep=True, swap=False, branch=True, saddle=True):
    def end(start):
        u, v = start
        if saddle and abs(u + v) < 1e-12:
            return [0.0, 0.0]
        c = keep * (u * u - v * v)
        total = np.hypot(c, 2 * d.y)
        sign = np.sign(u + v) if branch and u + v else 1.0
        pair = sign * np.sqrt([(total + c) / 2, (total - c) / 2])
        return pair[::-1] if swap else pair

    return end


def _fastest(d, output=None, swap=False, wrong_time=0.0):
    if output is None:
        bounds = (1e-4, d.radius**2 / 2)
        output = minimize_scalar(
            lambda s: time_to(s, d.radius, d.gap), bounds=bounds, method="bounded",
            options={"xatol": 1e-10},
        ).x  # fmt: skip
    angle = np.arcsin(min(1.0, 2 * output / d.radius**2)) / 2
    start = d.radius * np.array([np.cos(angle), np.sin(angle)])
    time = time_to(min(output, d.radius**2 / 2), d.radius, d.gap) + wrong_time
    return {"start": -start[::-1] if swap else start, "time": time}


U, V = sp.symbols("u v")

RIGHT = {
    "foundations-gradient": {
        "a list of floats": lambda d: lambda theta: list(map(float, _gradient(d)(theta))),
        "a loop over samples": lambda d: (
            lambda theta: sum(
                np.array([r * (theta[1] * x + theta[2] * z), theta[0] * r * x, theta[0] * r * z])
                for x, z, y in zip(d.x, d.z, d.y, strict=True)
                for r in [theta[0] * (theta[1] * x + theta[2] * z) - y]
            )
        ),
    },
    "foundations-invariant": {
        "the other sign, as text": lambda d: f"{d.p}*v^2 - {d.q}*u^2".replace("^", "**"),
        "its square plus one": lambda d: (d.q * U**2 - d.p * V**2) ** 2 + 1,
        "floating coefficients": lambda d: 0.5 * d.q * U**2 - 0.5 * d.p * V**2,
    },
    "foundations-output": {
        "by hyperbolic tangent": lambda d: (
            lambda t: (
                d.y
                / d.x
                / 2
                * (1 + np.tanh(d.x * d.y * t - 0.5 * np.log(d.y / d.x / d.start**2 - 1)))
            )
        ),
        "as an array with one entry less": lambda d: lambda t: np.asarray(_product(d)(t)),
    },  # fmt: skip
    "foundations-penalised": {
        "another order": lambda d: _penalised(d)[::-1],
        "capitals and arrays": lambda d: [
            {"point": np.array(i["point"]), "kind": i["kind"].capitalize()} for i in _penalised(d)
        ],
    },
    "foundations-step": {
        "an array of shape ()": lambda d: np.array(_step(d)),
        "a sympy number": lambda d: sp.Float(_step(d)),
    },
    "foundations-end": {
        "a list": lambda d: _end(d),
        "by an angle": lambda d: lambda s: list(_end(d)(s)),
    },
    "foundations-fastest": {
        "the mirror image": lambda d: _fastest(d, swap=True),
        "as plain floats": lambda d: {
            k: (tuple(map(float, v)) if k == "start" else float(v)) for k, v in _fastest(d).items()
        },
    },
}

WRONG = {
    "foundations-gradient": {
        "opposite": lambda d: _gradient(d, -1.0),
        "number of samples": lambda d: _gradient(d, 1 / 6),
        "wrong sign in: w": lambda d: _gradient(d, signs=(1, 1, -1)),
        "order is (v, w, u)": lambda d: _gradient(d, order=(1, 2, 0)),
        "twice": lambda d: _gradient(d, 2.0),
    },
    "foundations-invariant": {
        "exchanged": lambda d: d.p * U**2 - d.q * V**2,
        "must be subtracted": lambda d: d.q * U**2 + d.p * V**2,
        "constant": lambda d: sp.Integer(1),
        "p = q only": lambda d: U**2 - V**2,
    },
    "foundations-output": {
        "half as fast": lambda d: _product(d, 0.5),
        "output x u v": lambda d: _product(d, scale=d.x),
        "input x is missing": lambda d: _product(d, x=1.0),
        "starts at its square": lambda d: lambda t: _product(d)(t + 0.1),
    },
    "foundations-penalised": {
        "without the weight decay": lambda d: _penalised(d, decay=0.0),
        "the origin is missing": lambda d: _penalised(d)[1:],
        "also (-u, -v)": lambda d: _penalised(d)[:2],
        "called a minimum, but": lambda d: _penalised(d, kinds=("minimum",) * 3),
        "wrong sign": lambda d: _penalised(d, flip=-1),
    },
    "foundations-step": {
        "1 over the sharpness": lambda d: _step(d, 1.0),
        "remembers the imbalance": lambda d: _step(d, imbalance=False),
        "not at its end": lambda d: 2 / np.sum(d.start**2),
    },
    "foundations-end": {
        "exchanged": lambda d: _end(d, swap=True),
        "balanced": lambda d: _end(d, keep=False),
        "other side": lambda d: _end(d, branch=False),
        "ends in the saddle": lambda d: _end(d, saddle=False),
    },
    "foundations-fastest": {
        "balanced start is ahead": lambda d: _fastest(d, d.radius**2 / 2),
        "too far behind": lambda d: _fastest(d, 0.01),
        "from your start it takes": lambda d: _fastest(d, wrong_time=0.5),
    },
}
