"""Checks of the chapter beyond/games: descent-ascent and the limit of many particles."""

import numpy as np
from scipy.optimize import linprog

from gradflows import gradient_flow
from gradflows.beyond import (
    MeanFieldProblem,
    game_flow,
    kernel_flow,
    lyapunov,
    neuron_gradients,
    neuron_values,
    particle_kernel,
    saddle,
    sign_pairs,
    w2_exact,
)
from gradflows.checks.beyond.game_models import (
    POINTS,
    chaos_errors,
    mean_game,
    random_game,
    random_kernel,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
TIMES = np.linspace(0, 10, 21)


@statement(
    "games-saddle",
    says="f* = (A*A + lam mu)^-1 A*b, g* = (Af* - b)/mu is a saddle point, and the gap "
    "L(f, g*) - L(f*, g) is lam/2 |f - f*|^2 + mu/2 |g - g*|^2.",
    **BOOK,
    evidence="numeric",
    bound=1e-10,
)
def saddle_point(rng):
    """Compare formula, gap and the library's saddle; the falsehood forgets mu beside lam."""
    game = random_game(rng, 4, 3)
    f, g = rng.standard_normal(3), rng.standard_normal(4)
    norms = game.lam / 2 * (f - saddle(game)[0]) ** 2 @ game.p
    norms += game.mu / 2 * (g - saddle(game)[1]) ** 2 @ game.q

    def violation(product):
        square = game.adjoint @ game.A + product * np.eye(3)
        best = np.linalg.solve(square, game.adjoint @ game.b)
        answer = (game.A @ best - game.b) / game.mu
        gap = game.payoff(f, answer) - game.payoff(best, g)
        slopes = np.concatenate(game.gradients(best, answer))
        return max(np.abs(slopes).max(), abs(gap - norms))

    return Evidence(violation(game.lam * game.mu), violation(game.lam))


@statement(
    "games-lyapunov",
    says="With frozen positive definite kernels V falls at the rate lam |f - f*|^2 + "
    "mu |g - g*|^2, twice the gap, so the time average of this rate is at most V(0)/T.",
    **BOOK,
    evidence="numeric",
    bound=1e-8,
)
def distance_falls(rng):
    """Integrate the rate by Gauss's rule; the falsehood measures distances without kernels."""
    game = random_game(rng, 3, 3)
    kernels = random_kernel(rng, 3), random_kernel(rng, 3)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    path = kernel_flow(game, *kernels, np.append((nodes + 1) / 2, [0.0, 1.0]))
    rest = saddle(game)
    rate = game.lam * (path.f - rest[0]) ** 2 @ game.p + game.mu * (path.g - rest[1]) ** 2 @ game.q
    total = weights @ rate[:-2] / 2

    def violation(*norms):
        before, after = lyapunov(game, *norms, path.f[-2:], path.g[-2:])
        return abs(before - after - total) / total

    return Evidence(violation(*kernels), violation(np.eye(3), np.eye(3)))


@statement(
    "games-modes",
    says="The adapted flow falls apart into planes, one for each singular value s of A, with the "
    "eigenvalues -(lam + mu)/2 +- sqrt((lam - mu)^2/4 - s^2); from f = g = 0 only g moves at once.",
    **BOOK,
    evidence="numeric",
    bound=1e-8,
)
def modes(rng):
    """Compare characteristic polynomials; the falsehood lets both players descend."""
    game = random_game(rng, 4, 4)
    kernels = np.diag(1 / game.p), np.diag(1 / game.q)
    rest = np.concatenate(saddle(game))
    starts = rest + np.eye(8)
    # Differences of order four at t = 0 give the columns of the matrix M of the flow.
    h, columns = 1e-3, []
    for start in starts:
        path = kernel_flow(game, *kernels, [0, h, 2 * h, 3 * h, 4 * h], start[:4], start[4:])
        values = np.concatenate([path.f, path.g], axis=1)
        columns.append(np.array([-25, 48, -36, 16, -3]) @ values / (12 * h))
    matrix = np.array(columns).T
    first = np.abs((matrix @ -rest)[:4]).max()  # from zero only g moves at once
    found = np.poly(matrix)
    scaled = np.sqrt(game.q)[:, None] * game.A / np.sqrt(game.p)
    values = np.linalg.svd(scaled, compute_uv=False)

    def violation(sign):
        root = np.sqrt((game.lam - game.mu) ** 2 / 4 - sign * values**2 + 0j)
        middle = -(game.lam + game.mu) / 2
        claimed = np.poly(np.concatenate([middle + root, middle - root])).real
        return np.abs(found - claimed).max() / np.abs(claimed).max()

    return Evidence(max(violation(1), first), violation(-1))


@statement(
    "games-features",
    says="As the scale alpha grows, the particles move by W2 = O(1/alpha), never more than the "
    "length of their path, and the functions follow the frozen kernels up to O(1/alpha).",
    **BOOK,
    evidence="numeric",
    bound=0.09,
)
def features(rng):
    """Measure exponents over a factor of 8; the falsehood is that features move like 1/alpha^2."""
    game = mean_game()
    theta, omega = rng.standard_normal((2, 100, 3))
    kernels = particle_kernel(theta, POINTS), particle_kernel(omega, POINTS)
    limit, moved, missed, excess = kernel_flow(game, *kernels, TIMES), [], [], 0.0
    for alpha in (64.0, 512.0):
        run = game_flow(game, POINTS, POINTS, theta, omega, alpha, TIMES)
        moved.append(w2_exact(run.theta[-1], theta))
        steps = np.diff(run.theta, axis=0)
        length = np.sqrt((steps**2).sum(axis=2).mean(axis=1)).sum()
        excess = max(excess, moved[-1] / length - 1)
        missed.append(np.abs(run.f - limit.f).max())
    orders = np.log(np.array([moved, missed])[:, 0] / np.array([moved, missed])[:, 1]) / np.log(8)
    return Evidence(max(*np.abs(orders - 1), excess), abs(orders[0] - 2))


@statement(
    "games-parity",
    says="If the clouds at the start are invariant under the flip of the output weights, the play "
    "is an even function of alpha and follows the frozen kernels up to O(1/alpha^2).",
    **BOOK,
    evidence="numeric",
    bound=0.06,
)
def parity(rng):
    """Double alpha, and change its sign; the falsehood draws from a symmetric law instead."""
    game, violations = mean_game(), []
    clouds = rng.standard_normal((2, 100, 3))
    for theta, omega in ([sign_pairs(cloud[:50]) for cloud in clouds], clouds):
        kernels = particle_kernel(theta, POINTS), particle_kernel(omega, POINTS)
        limit = kernel_flow(game, *kernels, TIMES).f
        plays = [
            game_flow(game, POINTS, POINTS, theta, omega, alpha, TIMES).f
            for alpha in (64.0, 128.0, -64.0)
        ]
        missed = [np.abs(play - limit).max() for play in plays]
        order = np.log2(missed[0] / missed[1])
        odd = np.abs(plays[0] - plays[2]).max() / missed[0]
        violations.append(max(abs(order - 2), odd))
    return Evidence(*violations)


@statement(
    "games-assignment",
    says="The Wasserstein distance of two clouds of N particles with equal masses is attained by a "
    "permutation; if no particle moves half the least distance of two, by the identity.",
    **BOOK,
    evidence="numeric",
    bound=1e-7,
)
def assignment(rng):
    """Solve the linear program over all couplings; the falsehood never swaps."""
    error, n = 0.0, 6
    marginals = np.concatenate([np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))])
    X, far = rng.standard_normal((2, n, 2))
    gaps = np.linalg.norm(X[:, None] - X[None], axis=2) + 9 * np.eye(n)
    turns = rng.uniform(0, 2 * np.pi, n)
    near = X + 0.49 * gaps.min() * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    for Y in (far, near):
        costs = np.sum((X[:, None] - Y[None]) ** 2, axis=2).ravel()
        best = linprog(costs, A_eq=marginals, b_eq=np.full(2 * n, 1 / n)).fun
        error = max(error, abs(w2_exact(X, Y) ** 2 - best))
    labels = [np.mean(np.sum((X - Y) ** 2, axis=1)) - w2_exact(X, Y) ** 2 for Y in (near, far)]
    return Evidence(max(error, labels[0]), labels[1])


@statement(
    "games-wasserstein",
    says="The particle flow is the gradient flow of the loss in the Wasserstein metric: the speed "
    "in W2 is the root of the rate of fall, and W2(s, t)^2 <= (t - s)(L(s) - L(t)).",
    status="literature",
    source="chizat2018global",
    evidence="numeric",
    bound=1e-3,
)
def steepest(rng):
    """Compare speed and fall over short times; the falsehood forgets the factor N in the clock."""
    problem = MeanFieldProblem(POINTS, np.sin(3 * POINTS))
    times = np.sort(np.append(np.linspace(0, 2, 5), np.linspace(0, 2, 5)[1:] - 1e-4))
    run = gradient_flow(problem, rng.standard_normal(60), 2.0, times=times, rtol=1e-12, atol=1e-14)
    clouds, error, control = run.theta.reshape(len(times), -1, 3), 0.0, np.inf
    for k in range(1, len(times), 2):
        speed = w2_exact(clouds[k], clouds[k + 1]) / 1e-4
        fall = (run.loss[k] - run.loss[k + 1]) / 1e-4
        error = max(error, abs(speed**2 / fall - 1))
        control = min(control, abs(speed**2 / fall / 20**2 - 1))
        distance = w2_exact(clouds[0], clouds[k])
        error = max(error, distance**2 - times[k] * (run.loss[0] - run.loss[k]))
    return Evidence(error, control)


@statement(
    "games-chaos",
    says="N independent particles stay within C/sqrt(N) of the limit of infinitely many, in the "
    "mean square and for bounded times.",
    status="literature",
    source="mei2018mean",
    evidence="numeric",
    bound=0.045,
)
def chaos(rng):
    """Measure the exponent against a limit by quadrature; the falsehood is the rate 1/N."""
    counts = np.array([8, 32, 128])
    errors = chaos_errors(rng, counts, repeats=(512, 512, 256))
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    return Evidence(abs(slope + 0.5), abs(slope + 1))


@statement(
    "games-stationary",
    says="If the particles fill the space and none moves, the loss has its least value; for "
    "particles that fill less this is false.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def stationary(rng):
    """Bound each residual by the forces on a sample of the space; the falsehood is a thin one."""
    # The forces on particles with c = 0 are the values of the neurons: with six independent ones
    # no residual but zero escapes. Particles with u = 0 do not see the shape of the residual.
    r = rng.standard_normal(6)
    r -= r.mean()

    def unseen(cloud):
        forces = np.concatenate(list(neuron_gradients(cloud, POINTS).transpose(0, 2, 1)))
        seen = np.linalg.lstsq(forces, forces @ r, rcond=1e-11)[0]
        return np.linalg.norm(r - seen) / np.linalg.norm(r)

    full = rng.standard_normal((400, 3)) * [1, 3, 2]
    assert np.linalg.matrix_rank(neuron_values(full, POINTS), tol=1e-9) == 6
    return Evidence(unseen(full), unseen(full * [0, 0, 1]))
