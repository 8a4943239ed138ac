"""Right answers in other conventions, and wrong answers with the words that must name them.

Each entry is a function of a student's data; `WRONG` adds what the reasons must contain.
"""

import math

import numpy as np
from scipy.optimize import brentq


def _time(d, rates):
    start = np.sum(d.residual**2)
    return brentq(
        lambda t: np.sum((d.residual * np.exp(-rates * t)) ** 2) / start - d.share,
        0, 10 / rates.min(), xtol=1e-13, rtol=1e-13,
    )  # fmt: skip


def _rates(d, tau=None, n=None):
    tau, n = d.tau if tau is None else tau, d.n if n is None else n
    return d.sigma**2 / (tau * d.sigma**2 + 1 - tau) / n


def _steps(d, factor=None, power=2):
    factor = 1 - d.h / d.n if factor is None else factor
    return math.ceil(math.log(d.share) / (power * math.log(factor)))


def _square(d, principal=False, wall=True, flip=False):
    def final(label):
        start, target = complex(*d.theta0), complex(*label)
        ratio = target / start**2
        if wall and ratio.real < 0 and abs(ratio.imag) < 1e-9:
            return [0.0, 0.0]
        end = np.sqrt(target) if principal else start * np.sqrt(ratio)
        return [end.real, -end.imag if flip else end.imag]

    return final


def _square_by_steps(d):
    def final(label):
        theta, target, steps = complex(*d.theta0), complex(*label), 4000
        first = theta**2
        for k in range(1, steps + 1):
            output = first + (target - first) * k / steps
            for _ in range(3):
                if abs(theta) < 1e-4:
                    return [0.0, 0.0]
                theta += (output - theta**2) / (2 * theta)
            if abs(output) < 1e-3 * abs(first):
                return [0.0, 0.0]
        return [theta.real, theta.imag]

    return final


def _limit(d, power=1, centre=True, sign=1):
    x = sign * np.log(d.p) / d.beta**power
    return lambda x0: x - x.mean() + np.mean(x0) if centre else x


def _change(d, rate=None, root=True, seed=None):
    rate = d.rate if rate is None else rate
    kernel = np.linalg.svd(d.J)[2][2:].T
    D = np.sqrt(rate) * np.hstack([np.linalg.pinv(d.J), kernel])
    if not root:
        return D @ D.T
    if seed is not None:
        D = D @ np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return D


RIGHT = {
    "output-space-velocity": {
        "least squares": lambda d: lambda J, r: np.linalg.lstsq(J, -r, rcond=None)[0],
        "as a list": lambda d: lambda J, r: list(-np.linalg.pinv(J) @ r),
    },
    "output-space-rates": {
        "as an array": lambda d: np.array(_time(d, _rates(d))),
        "a float": lambda d: float(_time(d, _rates(d))),
    },
    "output-space-steps": {
        "an integer": lambda d: _steps(d),
        "a float": lambda d: float(_steps(d)),
    },
    "output-space-square": {
        "by small steps": _square_by_steps,
        "a list": lambda d: _square(d),
    },
    "output-space-temperature": {
        "by projection": lambda d: (
            lambda x0: np.log(d.p) / d.beta + (sum(x0) - sum(np.log(d.p)) / d.beta) / 3
        ),
        "a list": lambda d: lambda x0: list(_limit(d)(x0)),
    },
    "output-space-coordinates": {
        "turned": lambda d: _change(d, seed=1),
        "another kernel column": lambda d: _change(d) * np.array([1, 1, -3.7]),
        "the symmetric root": lambda d: np.linalg.cholesky(_change(d, root=False)),
    },
}

WRONG = {
    "output-space-velocity": {
        "gradient flow": lambda d: lambda J, r: -J.T @ r,
        "opposite": lambda d: lambda J, r: np.linalg.pinv(J) @ r,
        "calling it raised": lambda d: lambda J, r: -J.T @ np.linalg.inv(J @ J.T) @ r,
        "a shorter velocity": lambda d: (
            lambda J, r: (
                -np.linalg.pinv(J) @ r
                + (np.eye(J.shape[1]) - np.linalg.pinv(J) @ J) @ np.ones(J.shape[1])
            )
        ),
    },
    "output-space-rates": {
        "exchanged": lambda d: _time(d, _rates(d, tau=1 - d.tau)),
        "of gradient flow": lambda d: _time(d, _rates(d, tau=0)),
        "1/n": lambda d: _time(d, _rates(d, n=1)),
        "is its square": lambda d: _time(d, _rates(d) / 2),
    },
    "output-space-steps": {
        "is its square": lambda d: _steps(d, power=1),
        "divided by h": lambda d: math.ceil(-d.n * math.log(d.share) / 2 / d.h),
        "one step more": lambda d: _steps(d) - 1,
    },
    "output-space-square": {
        "other sign": lambda d: _square(d, principal=True),
        "segment goes through": lambda d: _square(d, wall=False),
        "second parameter": lambda d: _square(d, flip=True),
    },
    "output-space-temperature": {
        "temperature is missing": lambda d: _limit(d, power=0),
        "all starts end in one point": lambda d: _limit(d, centre=False),
        "divided": lambda d: _limit(d, power=-1),
        "opposite": lambda d: _limit(d, sign=-1),
    },
    "output-space-coordinates": {
        "inverse of a right": lambda d: np.linalg.inv(_change(d)),
        "take a root": lambda d: _change(d, root=False),
        "its square": lambda d: _change(d, rate=d.rate**2),
        "not invertible": lambda d: _change(d) * np.array([1, 1, 0]),
        "not a multiple": lambda d: np.eye(3),
    },
}
