"""Checks of the laws of momentum: flows and the heavy ball."""

from fractions import Fraction

import numpy as np

from gradflows import DeepLinear
from gradflows.checks.conservation import dynamics_models as models
from gradflows.conservation import (
    momentum_generators,
    momentum_law_count,
    momentum_leaf_dimension,
    momentum_rank,
    orbit_dimension,
)
from gradflows.deep_linear import independent_imbalances
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")


@statement(
    "other-dynamics-momentum-count",
    says="Two linear layers with momentum have C(r,2) - C(r-2N,2) independent laws of position and "
    "velocity, N = d_0 + d_2 >= 3 (the second term for r > 2N); 4r - 6 for one input and output.",
    **BOOK,
    **EXACT,
)
def momentum_count(rng):
    """Close the certificate modulo a prime; the falsehood is C(r,2) for all widths."""
    error = control = 0
    for inputs, outputs in ((1, 1), (2, 1), (1, 2), (2, 2)):
        for hidden in range(1, 10):
            widths = (inputs, hidden, outputs)
            size = 2 * hidden * (inputs + outputs)
            count = size - momentum_leaf_dimension(widths, rng=rng)
            error += count != momentum_law_count(widths)
            error += count != models.law_rank(inputs, hidden, outputs, rng)
            control += count != hidden * (hidden - 1) // 2
    return Evidence(error, control)


@statement(
    "other-dynamics-deep-momentum",
    says="For five linear networks of three and four layers the skew laws are all the "
    "laws of position and velocity.",
    **BOOK,
    **EXACT,
)
def deep_momentum(rng):
    """Close the certificate modulo a prime; the falsehood counts the entries of the imbalances."""
    error = control = 0
    for widths, order in models.CLOSED:
        skew = sum(width * (width - 1) // 2 for width in widths[1:-1])
        count = 2 * DeepLinear(widths).size - momentum_rank(widths, order, rng=rng)
        error += abs(count - skew) + abs(models.skew_law_rank(widths, rng) - skew)
        control += count != independent_imbalances(widths, rng=rng)
    return Evidence(error, control)


@statement(
    "other-dynamics-heavy-ball",
    says="The iteration with momentum mu multiplies the skew part of theta_k^T theta_(k+1) by mu "
    "in every step, exactly, for every step size.",
    **BOOK,
    **EXACT,
)
def heavy_ball_law(rng):
    """Iterate in fractions; the falsehood takes the gradient ahead, as Nesterov's method does."""
    step, momentum = (Fraction(int(k), 7) for k in rng.integers(1, 7, 2))
    error = control = 0
    for widths in ((2, 3, 2), (2, 3, 2, 2)):
        weights = [W.astype(int) for W in models.whole_weights(widths, rng)]
        error += models.heavy_ball_defect(weights, step, momentum, False, rng)
        control += models.heavy_ball_defect(weights, step, momentum, True, rng)
    return Evidence(error, control)


@statement(
    "other-dynamics-relu-momentum",
    says="Two-layer ReLU networks have no law of position and velocity under momentum.",
    status="literature",
    source="marcotte2024keep",
    **EXACT,
)
def relu_momentum(rng):
    """Fields of two separate neurons; the falsehood ties their forces, as a linear network does."""
    error = control = 0
    for inputs, outputs in ((1, 1), (2, 1)):
        free, *forces = momentum_generators(inputs, outputs)
        fields = [np.kron(np.eye(2, dtype=int), free)]
        fields += [np.kron(np.diag(place), force) for place in ([1, 0], [0, 1]) for force in forces]
        error += len(fields[0]) - orbit_dimension(np.array(fields), columns=1, rng=rng)
        control += momentum_law_count((inputs, 2, outputs))
    return Evidence(error, control)
