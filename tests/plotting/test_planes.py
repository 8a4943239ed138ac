import warnings

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from gradflows.plotting import COLOURS, plot_level_sets, plot_phase_plane

LIMITS = (-2, 2)


def rotation(u, v):
    return -v, u


def saddle(u, v):
    return u**2 - v**2


def test_streamlines_are_thin_grey_and_fill_the_limits(ax):
    assert plot_phase_plane(rotation, LIMITS, (-1, 3), ax=ax) is ax
    assert (ax.get_xlim(), ax.get_ylim()) == (LIMITS, (-1, 3))
    (lines,) = ax.collections
    assert lines.get_colors()[0] == pytest.approx(to_rgba(COLOURS.FIELD))
    assert lines.get_linewidths()[0] < 1
    assert ax.patches


def test_streamlines_follow_the_field(ax):
    plot_phase_plane(rotation, LIMITS, LIMITS, ax=ax)
    for path in ax.collections[0].get_segments():
        middle, step = (path[1:] + path[:-1]) / 2, np.diff(path, axis=0)
        length = np.hypot(*step.T) * np.hypot(*middle.T)
        radial = (middle * step).sum(axis=1)
        assert np.all(np.abs(radial) <= 0.05 * length + 1e-12)


def test_a_planted_field_is_noticed(ax):
    plot_phase_plane(lambda u, v: (u, v), LIMITS, LIMITS, ax=ax)
    path = max(ax.collections[0].get_segments(), key=len)
    middle, step = (path[1:] + path[:-1]) / 2, np.diff(path, axis=0)
    radial = (middle * step).sum(axis=1)
    assert np.mean(np.abs(radial)) > 0.5 * np.mean(np.hypot(*step.T) * np.hypot(*middle.T))


def test_a_constant_component_and_own_starts_are_welcome(ax):
    starts = [[0, -1], [0, 1]]
    plot_phase_plane(lambda u, v: (1, 0 * u), LIMITS, LIMITS, ax=ax, start_points=starts)
    heights = {round(path[0, 1], 6) for path in ax.collections[0].get_segments()}
    assert heights == {-1, 1}


def test_equilibria_on_the_grid_give_no_warning(ax, svg):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_phase_plane(lambda u, v: (v * (1 - u * v), u * (1 - u * v)), LIMITS, LIMITS, ax=ax)
        plot_phase_plane(lambda u, v: (0, 0), LIMITS, LIMITS, ax=ax)
        svg(ax.figure)


@pytest.mark.parametrize(
    "field",
    [
        lambda u, v: u,
        lambda u, v: (u, v, u),
        lambda u: (u, u),
        lambda u, v: (u[:3], v),
        lambda u, v: (np.full_like(u, np.nan), v),
        lambda u, v: (u + 1j, v),
        "field",
    ],
)
def test_bad_fields_are_refused(field, ax):
    with pytest.raises(ValueError, match="^field: expected"):
        plot_phase_plane(field, LIMITS, LIMITS, ax=ax)


def test_level_sets_lie_on_their_levels_and_are_never_dashed(ax):
    levels = [-1.0, -0.5, 0.5, 1.0]
    assert plot_level_sets(saddle, LIMITS, (-1, 1), levels, ax=ax) is ax
    (contours,) = ax.collections
    assert contours.levels.tolist() == levels
    for level, path in zip(levels, contours.get_paths(), strict=True):
        assert np.max(np.abs(saddle(*path.vertices.T) - level)) < 1e-3
    assert {pattern for _, pattern in contours.get_linestyles()} == {None}
    assert contours.get_edgecolor()[0] == pytest.approx(to_rgba(COLOURS.LEVEL))
    assert (ax.get_xlim(), ax.get_ylim()) == (LIMITS, (-1, 1))


def test_levels_are_written_if_asked(ax):
    plot_level_sets(saddle, LIMITS, LIMITS, [-1, 1], ax=ax, labels=True)
    assert {text.get_text() for text in ax.texts} == {"−1", "1"}


def test_one_level_may_be_a_number_and_colours_a_map(ax):
    plot_level_sets(saddle, LIMITS, LIMITS, 1, ax=ax, cmap="cividis")
    assert ax.collections[0].levels.tolist() == [1]


def test_a_level_that_is_never_reached_is_refused(ax):
    with pytest.raises(ValueError, match=r"^levels: expected .* between -4 and 4"):
        plot_level_sets(saddle, LIMITS, LIMITS, [100, 200], ax=ax)


@pytest.mark.parametrize("levels", [[1, 0], [1, 1], [], [np.nan], "many", [[1, 2]]])
def test_bad_levels_are_refused(levels, ax):
    with pytest.raises(ValueError, match="^levels: expected"):
        plot_level_sets(saddle, LIMITS, LIMITS, levels, ax=ax)


@pytest.mark.parametrize(
    "function", [lambda u, v: u[0], lambda u, v: u / 0 * 0, lambda u, v: None, lambda u: u, 3]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_functions_are_refused(function, ax):
    with pytest.raises(ValueError, match="^function: expected"):
        plot_level_sets(function, LIMITS, LIMITS, [1], ax=ax)


@pytest.mark.parametrize("limits", [(1, 0), (0, 0), (0,), (0, 1, 2), (0, np.inf), "ab", None])
def test_bad_limits_are_refused(limits, ax):
    with pytest.raises(ValueError, match="^xlim: expected"):
        plot_phase_plane(rotation, limits, LIMITS, ax=ax)
    with pytest.raises(ValueError, match="^ylim: expected"):
        plot_level_sets(saddle, LIMITS, limits, [1], ax=ax)


@pytest.mark.parametrize("points", [1, 2.5, True, "many"])
def test_a_bad_grid_is_refused(points, ax):
    with pytest.raises(ValueError, match="^points: expected"):
        plot_phase_plane(rotation, LIMITS, LIMITS, ax=ax, points=points)


def test_something_else_than_axes_is_refused():
    with pytest.raises(ValueError, match="^ax: expected"):
        plot_phase_plane(rotation, LIMITS, LIMITS, ax=1)
    with pytest.raises(ValueError, match="^ax: expected"):
        plot_level_sets(saddle, LIMITS, LIMITS, [1], ax=1)
