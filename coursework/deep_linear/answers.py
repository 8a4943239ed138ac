"""Right answers in other conventions, and wrong answers with the words that must name them.

Each entry is a function of a student's data; `WRONG` adds what the reasons must contain.
"""

import numpy as np
import sympy as sp
from scipy.integrate import quad, solve_ivp
from scipy.stats import ortho_group

P, Q, R, S, V, W = sp.symbols("p q r s v w")
SYMBOLS = (P, Q, R, S, V, W)


def _gradient(d, omega=None, scale=1.0, flip=None, sign3=1.0):
    omega = d.omega if omega is None else omega

    def gradient(W1, W2, W3):
        e = (W3 @ W2 @ W1 @ d.X - d.Y) * omega * scale
        parts = {"W1": (W3 @ W2).T @ e @ d.X.T, "W2": W3.T @ e @ (W1 @ d.X).T,
                 "W3": sign3 * e @ (W2 @ W1 @ d.X).T}  # fmt: skip
        if flip:
            parts[flip] = parts[flip].T
        return parts

    return gradient


def _kept(a, b, sign=1):
    first, second = sp.Matrix([[P, Q], [R, S]]), sp.Matrix([[V, W]])
    kept = a * second.T * second - sign * b * first * first.T
    return [kept[0, 0], kept[0, 1], kept[1, 1]]


def _balanced(d, powers=(1 / 3, 1 / 3, 1 / 3), turn=True, seed=1):
    U, s, Vt = np.linalg.svd(d.W3 @ d.W2 @ d.W1)
    Q1 = ortho_group.rvs(3, random_state=seed)[:, :2] if turn else np.eye(3)[:, :2]
    Q2 = ortho_group.rvs(2, random_state=seed) if turn else np.eye(2)
    first, second, third = (np.diag(s**power) for power in powers)
    return {"W1": Q1 @ first @ Vt, "W2": Q2 @ second @ Q1.T, "W3": U @ third @ Q2.T}


def _twins(d, mode=0, strict=(0, 1, 0), nonstrict=(0, 0, 0), seed=None):
    U, s, Vt = np.linalg.svd(d.Sigma)
    turns = [np.eye(3)] * 2 if seed is None else list(ortho_group.rvs(3, 2, random_state=seed))

    def layers(extra):
        found = []
        for size in extra:
            diagonal = np.zeros(3)
            diagonal[mode] = s[mode] ** (1 / 3)
            diagonal[1 if mode != 1 else 0] += size
            found.append(np.diag(diagonal))
        return {"W1": turns[0] @ found[0] @ Vt, "W2": turns[1] @ found[1] @ turns[0].T,
                "W3": U @ found[2] @ turns[1].T}  # fmt: skip

    return {"strict": layers(strict), "nonstrict": layers(nonstrict)}


def _wait(d, depth=None, factor=True, first=None):
    depth = d.depth if depth is None else depth
    first = d.start**d.depth if first is None else first
    rate = lambda x: 1 / (np.exp(x * (1 - 2 / depth)) * (d.s - np.exp(x)))  # noqa: E731
    time = quad(rate, np.log(first), np.log(d.s / 2), epsabs=1e-12, epsrel=1e-11, limit=200)[0]
    return time / depth if factor else time


def _wait_by_flow(d):
    reached = lambda t, x: x[0] ** d.depth - d.s / 2  # noqa: E731
    reached.terminal = True
    flow = lambda t, x: x ** (d.depth - 1) * (d.s - x**d.depth)  # noqa: E731
    run = solve_ivp(flow, (0, 1e5), [d.start], events=reached, rtol=1e-11, atol=1e-13)
    return run.t_events[0][0]


def _launch(d, mode=0, shares=(1, 1, 1), swap=False, radius=1.0, sign=1.0):
    U, _, Vt = np.linalg.svd(d.Sigma)
    u, v = (U[:, [mode]], Vt[[mode]].T)
    if swap:
        u, v = v, u
    shares = np.sqrt(np.array(shares) / sum(shares)) * d.rho * radius
    e, f = np.eye(3)[:, [1]], np.eye(3)[:, [2]]
    return {"W1": sign * shares[0] * e @ v.T, "W2": shares[1] * f @ e.T, "W3": shares[2] * u @ f.T}


RIGHT = {
    "deep-linear-gradient": {
        "a loop over samples": lambda d: lambda W1, W2, W3: {
            key: sum(
                o * part(W3 @ W2 @ W1 @ x - y, x)
                for o, x, y in zip(d.omega, d.X.T, d.Y.T, strict=True)
            )
            for key, part in {
                "W1": lambda e, x: np.outer(W2.T @ W3.T @ e, x),
                "W2": lambda e, x: np.outer(W3.T @ e, W1 @ x),
                "W3": lambda e, x: np.outer(e, W2 @ W1 @ x),
            }.items()
        },
        "lists": lambda d: lambda *layers: {
            k: v.tolist() for k, v in _gradient(d)(*layers).items()
        },
    },
    "deep-linear-two-speeds": {
        "another basis": lambda d: [
            _kept(d.a, d.b)[0] + 2 * _kept(d.a, d.b)[1],
            _kept(d.a, d.b)[2] * 7,
            _kept(d.a, d.b)[1] - _kept(d.a, d.b)[2],
        ],
        "trace, determinant and one entry": lambda d: [
            _kept(d.a, d.b)[0] + _kept(d.a, d.b)[2],
            sp.expand(_kept(d.a, d.b)[0] * _kept(d.a, d.b)[2] - _kept(d.a, d.b)[1] ** 2),
            str(-_kept(d.a, d.b)[0]),
        ],
        "one too many": lambda d: [*_kept(d.a, d.b), sum(_kept(d.a, d.b))],
    },
    "deep-linear-balance": {
        "other frames": lambda d: _balanced(d),
        "no frames": lambda d: _balanced(d, turn=False),
        "other signs": lambda d: {k: -v if k != "W1" else v for k, v in _balanced(d).items()},
    },
    "deep-linear-twins": {
        "other bases in between": lambda d: _twins(d, seed=3),
        "an outer layer carries the second mode": lambda d: _twins(d, strict=(2, 0, 0)),
    },
    "deep-linear-wait": {
        "by integrating the flow": _wait_by_flow,
        "as an array": lambda d: np.array(_wait(d)),
    },
    "deep-linear-launch": {
        "other unit vectors": lambda d: _launch(d),
        "two signs": lambda d: {k: -v if k != "W2" else v for k, v in _launch(d).items()},
    },
}  # fmt: skip

WRONG = {
    "deep-linear-gradient": {
        "omega of the samples are missing": lambda d: _gradient(d, omega=1.0),
        "omega count twice": lambda d: _gradient(d, omega=d.omega**2),
        "opposite": lambda d: _gradient(d, scale=-1.0),
        "gradient of W2 is transposed": lambda d: _gradient(d, flip="W2"),
        "it is transposed": lambda d: _gradient(d, flip="W1"),
        "wrong sign in: W3": lambda d: _gradient(d, sign3=-1.0),
    },
    "deep-linear-two-speeds": {
        "exchanged": lambda d: _kept(d.b, d.a),
        "same speed": lambda d: _kept(1, 1),
        "is subtracted from the other": lambda d: _kept(d.a, d.b, sign=-1),
        "2 of your conserved": lambda d: _kept(d.a, d.b)[:2],
        "1 of your conserved": lambda d: [_kept(d.a, d.b)[0], 2 * _kept(d.a, d.b)[0]],
    },
    "deep-linear-balance": {
        "only the trace of balance": lambda d: {
            k: v * np.prod([np.linalg.norm(x) for x in vars(d).values()]) ** (1 / 3)
            / np.linalg.norm(v) for k, v in vars(d).items()
        },
        "not balanced": lambda d: vars(d),
        "product W3 W2 W1 has changed": lambda d: {
            k: v[::-1] if k == "W3" else v for k, v in _balanced(d).items()
        },
        "not in their sizes": lambda d: _balanced(d, powers=(0.5, 0.25, 0.25), turn=False),
    },
    "deep-linear-twins": {
        "gradient at the strict one": lambda d: _twins(d, strict=(1, 1, 0)),
        "no negative eigenvalue": lambda d: _twins(d, strict=(0, 0, 0)),
        "the nonstrict one the Hessian has": lambda d: _twins(d, nonstrict=(0, 0, 1)),
        "not the largest singular value": lambda d: _twins(d, mode=1),
        "products differ": lambda d: _twins(d) | {"nonstrict": _twins(d, mode=1)["nonstrict"]},
        "rank 0": lambda d: {
            k: {n: 0 * m for n, m in v.items()} for k, v in _twins(d).items()
        },
    },
    "deep-linear-wait": {
        "factor of the depth": lambda d: _wait(d, factor=False),
        "not start": lambda d: _wait(d, first=d.start),
        "two layers": lambda d: _wait(d, depth=2),
    },
    "deep-linear-launch": {
        "transposed": lambda d: _launch(d, swap=True),
        "share the radius": lambda d: _launch(d, shares=(2, 1, 1)),
        "add up to rho^2": lambda d: _launch(d, radius=np.sqrt(3)),
        "largest singular value": lambda d: _launch(d, mode=1),
        "a sign is wrong": lambda d: _launch(d, sign=-1.0),
    },
}  # fmt: skip
