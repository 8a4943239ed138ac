"""Right answers in other conventions, and wrong answers with the words that must name them.

Each entry is a function of a student's data; `WRONG` adds what the reasons must contain.
"""

from fractions import Fraction

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.optimize import linprog, root

F, G = sp.symbols("f g")
A = sp.symbols("a1 a2 a3")


def _start(d, part=Fraction(1, 2)):
    low, high = Fraction(d.low), Fraction(d.high)
    return low + part * (high - low)


def _landing(d, x=None, factor=1):
    x = _start(d) if x is None else x
    return {"start": str(x), "step": str(1 / (factor * (1 + x + x**2) * x**2))}


def _minimum(d, c=1.0, power=0.5, turn=None):
    U, s, Vt = np.linalg.svd(d.Y)
    Q = np.eye(2) if turn is None else np.linalg.qr(np.array([[1.0, turn], [-turn, 1.0]]))[0]
    return {"W1": c * Q @ np.diag(s**power) @ Vt, "W2": U @ np.diag(s ** (1 - power)) @ Q.T / c}


def _c(d):
    ratio = d.sharpness / np.linalg.norm(d.Y, 2)
    return np.sqrt((ratio + np.sqrt(ratio**2 - 4)) / 2)


def _minima(d, turn=None, inverse=False):
    c = 1 / _c(d) if inverse else _c(d)
    return {"flattest": _minimum(d, turn=turn), "sharp": _minimum(d, c, turn=turn)}


def _rank(d, h):
    r = min(d, h)
    return r * d - r * (r - 1) // 2


def _laws(d, delta=None, skip=1, scale=True):
    delta = [sp.Rational(x) for x in d.delta] if delta is None else delta
    squares = [((skip + x * a) / (x if scale else 1)) ** 2 for x, a in zip(delta, A, strict=True)]
    return [squares[0] - squares[1], squares[1] - squares[2]]


def _beta(d):
    signed = (d.y * d.X).T
    rows = np.hstack([-signed, signed, np.ones((5, 1))])
    found = linprog([0] * 8 + [-1], A_ub=rows, b_ub=np.zeros(5), A_eq=[[1] * 8 + [0]], b_eq=[1],
                    bounds=[(0, None)] * 8 + [(None, None)])  # fmt: skip
    return found.x[:4] - found.x[4:8]


def _weights(d, beta=None, waste=0.0):
    beta = _beta(d) if beta is None else beta
    u, v = np.sqrt(np.maximum(beta, 0) + waste), np.sqrt(np.maximum(-beta, 0) + waste)
    size = np.sqrt(u @ u + v @ v)
    return {"u": u / size, "v": v / size}


def _euclidean(d):
    """Return the direction of largest margin in the Euclidean norm, by its dual."""
    signed = d.y * d.X
    gram, lam = signed.T @ signed, np.zeros(5)
    for _ in range(20_000):
        lam = np.maximum(0, lam - (gram @ lam - 1) / np.trace(gram))
    return signed @ lam


def _energy(d, weights=(1, 1), speeds=None, centre=True, scale=1):
    first, second = speeds or (d.p, d.q)
    M = sp.Matrix([[-first * d.lam, -first * d.s], [second * d.s, -second * d.mu]])
    p, q, r = sp.symbols("p q r")
    P = sp.Matrix([[p, q], [q, r]])
    solved = sp.solve(list(P * M + M.T * P + sp.diag(*weights)), (p, q, r))
    size = sp.Integer(d.s) ** 2 + d.lam * d.mu
    first, second = d.b * d.s / size * int(centre), -d.lam * d.b / size * int(centre)
    at = sp.Matrix([F - first, G - second])
    return sp.expand(scale * (at.T * P.subs(solved) * at)[0])


def _solution(d, scale=None):
    scale = 2 * d.alpha**2 if scale is None else scale
    nu = np.zeros(2)
    for _ in range(500):
        slope = d.A @ (scale * np.sinh(d.A.T @ nu)) - d.y
        step = np.linalg.solve(d.A @ np.diag(scale * np.cosh(d.A.T @ nu)) @ d.A.T, slope)
        nu = nu - step * min(1.0, 0.5 / np.linalg.norm(step)) if np.any(step) else nu
    return scale * np.sinh(d.A.T @ root(
        lambda n: d.A @ (scale * np.sinh(d.A.T @ n)) - d.y, nu, tol=1e-13).x)  # fmt: skip


def _by_flow(d):
    def field(_, state):
        u, v = state[:4], state[4:]
        force = d.A.T @ (d.A @ (u * u - v * v) - d.y)
        return np.concatenate([-2 * u * force, 2 * v * force])

    run = solve_ivp(field, (0, 3000), np.full(8, d.alpha), rtol=1e-11, atol=1e-13, method="LSODA")
    return run.y[:4, -1] ** 2 - run.y[4:, -1] ** 2


def _sparse(d):
    found = linprog(np.ones(8), A_eq=np.hstack([d.A, -d.A]), b_eq=d.y)
    return found.x[:4] - found.x[4:]


RIGHT = {
    "beyond-landing": {
        "another start": lambda d: _landing(d, _start(d, Fraction(1, 3))),
        "with spaces": lambda d: {k: f" {v} " for k, v in _landing(d).items()},
    },
    "beyond-sharpness": {
        "turned": lambda d: _minima(d, turn=0.7),
        "the other layer larger": lambda d: _minima(d, inverse=True),
    },
    "beyond-quadratic": {
        "parameters minus rank": lambda d: lambda d_, h: h * (d_ + 1) - _rank(d_, h),
        "as a float": lambda d: lambda d_, h: float(h * (d_ + 1) - _rank(d_, h)),
    },
    "beyond-chain": {
        "as texts": lambda d: [str(sp.expand(e)) for e in _laws(d)],
        "another basis": lambda d: [_laws(d)[0] * 3, _laws(d)[0] + _laws(d)[1]],
    },
    "beyond-margin": {
        "other signs": lambda d: {k: -v for k, v in _weights(d).items()},
        "as lists": lambda d: {k: list(v) for k, v in _weights(d).items()},
    },
    "beyond-lyapunov": {
        "as text": lambda d: str(_energy(d)),
        "not expanded": lambda d: sp.factor(_energy(d)),
    },
    "beyond-entropy": {
        "by integrating the flow": _by_flow,
        "a list": lambda d: list(_solution(d)),
    },
}

WRONG = {
    "beyond-landing": {
        "not between": lambda d: _landing(d, Fraction(d.high) + Fraction(1, 100)),
        "not larger than 2/3": lambda d: _landing(d) | {"step": "1/2"},
        "close is not exact": lambda d: (
            _landing(d) | {"step": f"{float(Fraction(_landing(d)['step'])):.9f}"}
        ),
        "factor 3": lambda d: (
            _landing(d, factor=3)
            | (
                {}
                if 1 / (3 * (1 + _start(d) + _start(d) ** 2) * _start(d) ** 2) > Fraction(2, 3)
                else _landing(d, Fraction(3, 10), factor=3)
            )
        ),
        "texts of fractions": lambda d: {"start": "a half", "step": "1"},
    },
    "beyond-sharpness": {
        "W1 W2 is": lambda d: {k: {"W1": v["W2"], "W2": v["W1"]} for k, v in _minima(d).items()},
        "flatter than": lambda d: _minima(d) | {"flattest": _minimum(d, 1.3)},
        "its largest eigenvalue is": lambda d: _minima(d) | {"sharp": _minimum(d, 1.05)},
    },
    "beyond-quadratic": {
        "rescalings only": lambda d: lambda d_, h: h,
        "rank of the Jacobian": lambda d: lambda d_, h: _rank(d_, h),
        "rotations only": lambda d: lambda d_, h: h + h * (h - 1),
        "another dimension": lambda d: lambda d_, h: h * (d_ + 1) - min(h * d_, 3),
    },
    "beyond-chain": {
        "size 1": lambda d: _laws(d, [sp.Integer(1)] * 3),
        "skip connections": lambda d: [A[0] ** 2 - A[1] ** 2, A[1] ** 2 - A[2] ** 2],
        "sizes are missing": lambda d: _laws(d, scale=False),
        "there are more": lambda d: _laws(d)[:1],
    },
    "beyond-margin": {
        "l1 norm": lambda d: _weights(d, _euclidean(d)),
        "norm is wasted": lambda d: _weights(d, waste=0.05),
        "do not add up": lambda d: {k: 2 * v for k, v in _weights(d).items()},
        "on their side": lambda d: _weights(d, -_beta(d)),
    },
    "beyond-lyapunov": {
        "have the speed 1": lambda d: _energy(d, speeds=(1, 1)),
        "gap of the game": lambda d: _energy(d, weights=(d.lam, d.mu)),
        "twice as fast": lambda d: _energy(d, scale=2),
        "centred at the origin": lambda d: _energy(d, centre=False),
        "not zero at the saddle": lambda d: _energy(d) + 1,
    },
    "beyond-entropy": {
        "Euclidean": lambda d: np.linalg.pinv(d.A) @ d.y,
        "sparse": _sparse,
        "not alpha^2": lambda d: _solution(d, d.alpha**2),
        "does not hold": lambda d: np.zeros(4),
    },
}
