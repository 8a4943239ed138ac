"""Checks of the chapter beyond/straight_through: descending without a gradient."""

import numpy as np
from scipy.integrate import quad, solve_ivp

from gradflows.beyond import (
    PROXIES,
    angle_loss,
    coarse_flow,
    coarse_gradient,
    coarse_gradient_quadrature,
    perceptron,
    subspace_data,
    train_coarse,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
ROOT = np.sqrt(2 * np.pi)


def pair(rng, d=4):
    """Draw weights and a teacher of norm one, neither parallel nor opposite."""
    w, teacher = rng.normal(size=d), rng.normal(size=d)
    return w, teacher / np.linalg.norm(teacher)


def central(function, w, step=1e-6):
    """Differentiate by central differences."""
    return np.array(
        [(function(w + step * e) - function(w - step * e)) / (2 * step) for e in np.eye(w.size)]
    )


@statement(
    "straight-through-loss",
    says="The loss of a binary neuron with Gaussian inputs is the angle to the teacher over 2 pi, "
    "and its gradient turns w towards the teacher at the rate 1/(2 pi |w|).",
    evidence="numeric",
    bound=1e-4,
    **BOOK,
)
def loss_is_an_angle(rng):
    """Count mismatches on a fine circle; the falsehood forgets the factor one half."""
    w, teacher = pair(rng)
    first = w / np.linalg.norm(w)
    across = teacher - (teacher @ first) * first
    second = across / np.linalg.norm(across)
    phi = (np.arange(100_000) + rng.uniform()) * 2 * np.pi / 100_000
    z = np.outer(first, np.cos(phi)) + np.outer(second, np.sin(phi))
    counted = 0.5 * np.mean((w @ z > 0) != (teacher @ z > 0))
    slope = central(lambda v: angle_loss(v, teacher), w)
    formula = -second / (2 * np.pi * np.linalg.norm(w))
    error = max(abs(counted - angle_loss(w, teacher)), np.abs(slope - formula).max())
    return Evidence(error, abs(counted - 2 * angle_loss(w, teacher)))


@statement(
    "straight-through-coarse",
    says="For the proxies ReLU and negative side the coarse gradient is "
    "(w/|w| - w*)/(2 sqrt(2 pi)), for the identity twice that.",
    evidence="numeric",
    bound=1e-12,
    **BOOK,
)
def coarse_closed_form(rng):
    """Compare with quadrature; the falsehood adds the two unit vectors."""
    w, teacher = pair(rng)
    error = max(
        np.abs(
            coarse_gradient(w, teacher, name)
            - coarse_gradient_quadrature(w, teacher, PROXIES[name])
        ).max()
        for name in ("ReLU", "negative side", "identity")
    )
    false = (w / np.linalg.norm(w) + teacher) / (2 * ROOT)
    measured = coarse_gradient_quadrature(w, teacher, PROXIES["ReLU"])
    return Evidence(error, np.abs(false - measured).max())


@statement(
    "straight-through-every-proxy",
    says="For every nonnegative proxy g the coarse gradient and the gradient of the loss have the "
    "inner product E[g(|w| a) phi(a cot theta)]/(2 pi |w|), which is positive.",
    evidence="numeric",
    bound=1e-9,
    **BOOK,
)
def every_proxy_descends(rng):
    """Compare for smooth and one-sided proxies; the falsehood has the tangent for the cotangent."""
    w, teacher = pair(rng)
    theta, size = 2 * np.pi * angle_loss(w, teacher), np.linalg.norm(w)
    first = w / size
    across = teacher - (teacher @ first) * first
    slope = -across / np.linalg.norm(across) / (2 * np.pi * size)
    phi = lambda x: np.exp(-(x**2) / 2) / ROOT  # noqa: E731
    error, control = 0.0, np.inf
    shift = rng.uniform(-1, 1)
    proxies = (
        lambda x: np.exp(-((x - shift) ** 2)),
        lambda x: 1 / (1 + x**2),
        PROXIES["log-tailed ReLU"],
    )
    for g in proxies:
        product = slope @ coarse_gradient_quadrature(w, teacher, g)
        gains = []
        for factor in (1 / np.tan(theta), np.tan(theta)):
            weight = lambda a, f=factor, g=g: float(g(np.array(size * a))) * phi(a) * phi(a * f)  # noqa: E731
            gains.append(sum(quad(weight, *ends, epsabs=1e-12)[0] for ends in ((-12, 0), (0, 12))))
        error = max(error, abs(product - gains[0] / (2 * np.pi * size)), -product)
        control = min(control, abs(product - gains[1] / (2 * np.pi * size)))
    return Evidence(error, control)


@statement(
    "straight-through-potential",
    says="For one neuron the coarse gradient of any proxy is a gradient; for the ReLU proxy that "
    "of the convex (|w| - <w, w*>)/(2 sqrt(2 pi)), and its flow conserves |w| + <w, w*>.",
    evidence="numeric",
    bound=1e-7,
    **BOOK,
)
def coarse_is_a_gradient(rng):
    """Differentiate potential, field and law; the falsehood has a minus in the law."""
    w, teacher = pair(rng)
    velocity = -coarse_gradient(w, teacher)
    potential = lambda v: (np.linalg.norm(v) - v @ teacher) / (2 * ROOT)  # noqa: E731
    smooth = lambda x: np.exp(-((x - 0.3) ** 2))  # noqa: E731
    slopes = np.array([
        coarse_gradient_quadrature(w + h, teacher, smooth)
        - coarse_gradient_quadrature(w - h, teacher, smooth)
        for h in 1e-5 * np.eye(w.size)
    ]) / 2e-5  # fmt: skip
    unit = w / np.linalg.norm(w)
    error = max(
        np.abs(central(potential, w) + velocity).max(),
        np.abs(slopes - slopes.T).max(),
        abs(velocity @ (unit + teacher)),
    )
    return Evidence(error, abs(velocity @ (unit - teacher)))


@statement(
    "straight-through-clock",
    says="Along the coarse flow tan^2(theta/2) is W(u^2 exp(u^2 - 2t/k)) with u = tan(theta_0/2) "
    "and k = 2 sqrt(2 pi) |w_0| cos^2(theta_0/2).",
    evidence="numeric",
    bound=1e-8,
    **BOOK,
)
def coarse_clock(rng):
    """Compare with integration; the falsehood lets the tangent decay exponentially at once."""
    w, teacher = pair(rng)
    w = np.linalg.norm(w) * (teacher + 0.9 * w / np.linalg.norm(w)) * np.sign(rng.normal())
    times = np.linspace(0, 12, 5)
    run = solve_ivp(lambda t, v: -coarse_gradient(v, teacher), (0, 12), w, t_eval=times,
                    rtol=1e-11, atol=1e-12)  # fmt: skip
    path = coarse_flow(w, teacher, times)
    error = np.abs(path - run.y.T).max()
    u0 = np.tan(np.pi * angle_loss(w, teacher))
    c = np.linalg.norm(w) / (1 + u0**2)
    tangents = np.array([np.tan(np.pi * angle_loss(v, teacher)) for v in run.y.T])
    simple = u0 * np.exp(-times / (2 * ROOT * c))
    return Evidence(error, np.abs(simple - tangents).max())


@statement(
    "straight-through-opposite",
    says="From the vector opposite to the teacher the coarse flow meets w = 0 at t = |w_0| "
    "sqrt(2 pi), and L stays at its maximum until then.",
    evidence="numeric",
    bound=1e-9,
    **BOOK,
)
def opposite_start(rng):
    """Follow the norm; the falsehood has half the speed."""
    _, teacher = pair(rng)
    size = rng.uniform(0.5, 2.0)
    end = size * ROOT
    w = -size * teacher
    speed = coarse_gradient(w, teacher)
    at = lambda t: np.linalg.norm(w - t * speed)  # noqa: E731
    still = abs(angle_loss(w - 0.9 * end * speed, teacher) - 0.5)
    return Evidence(max(at(end), still), at(2 * end))


@statement(
    "straight-through-perceptron",
    says="The perceptron, one sample at a time, makes at most R^2/gamma^2 corrections on data "
    "that a unit vector separates with margin gamma.",
    status="literature",
    source="novikoff1962convergence",
    evidence="exact",
    bound=0,
)
def perceptron_stops(rng):
    """Count runs beyond the bound; the falsehood is one correction for each coordinate."""
    beyond = false = 0
    for _ in range(10):
        teacher = rng.normal(size=3)
        teacher /= np.linalg.norm(teacher)
        inputs = rng.normal(size=(3, 60))
        inputs = inputs[:, np.abs(teacher @ inputs) > 0.1]
        labels = (teacher @ inputs > 0).astype(int)
        margin = np.abs(teacher @ inputs).min()
        radius = np.linalg.norm(inputs, axis=0).max()
        _, mistakes, clean = perceptron(inputs, labels)
        beyond += mistakes > (radius / margin) ** 2 or not clean
        false += mistakes > len(inputs)
    return Evidence(int(beyond), int(false))


@statement(
    "straight-through-subspaces",
    says="In orthogonal class subspaces a one-sided proxy lets the part of a neuron in its own "
    "class grow and the parts in other classes shrink.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def own_part_grows(rng):
    """Count wrong signs along the coarse gradient; the falsehood is the negative side."""
    inputs, labels = subspace_data(rng, orthogonal=True)
    weights = rng.normal(size=(3, 6, 8))
    wrong = []
    for name in ("ReLU", "log-tailed ReLU", "clipped ReLU", "negative side"):
        step = np.diff(
            train_coarse(inputs, labels, weights, PROXIES[name], n_steps=1).weights, axis=0
        )
        count = 0
        for k in range(3):
            plane = np.linalg.svd(inputs[:, labels == k], full_matrices=False)[0][:, :2]
            rate = np.sum((weights @ plane) * (step[0] @ plane), axis=2)
            own = np.arange(3) == k
            count += int((rate[own] < -1e-14).sum() + (rate[~own] > 1e-14).sum())
        wrong.append(count)
    return Evidence(sum(wrong[:3]), wrong[3])
