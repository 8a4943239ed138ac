"""Targets that several tests of deep linear networks share."""

import numpy as np


def diagonal(widths, sigma):
    """Return the rectangular diagonal target with the given singular values."""
    Sigma = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(Sigma, sigma)
    return Sigma
