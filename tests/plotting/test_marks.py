import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.lines import Line2D

from gradflows.plotting import (
    COLOURS,
    arrow_on,
    label_line,
    mark_connection,
    mark_minimum,
    mark_nonstrict_saddle,
    mark_strict_saddle,
    stable_manifold,
    unstable_manifold,
)
from gradflows.plotting.geometry import points_along

MARKS = [mark_minimum, mark_strict_saddle, mark_nonstrict_saddle]
LINES = [stable_manifold, unstable_manifold, mark_connection]


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_dots_without_a_line(mark, ax):
    dots = mark(ax, [0, 1, 2], [3, 4, 5])
    assert ax.lines[0] is dots and len(ax.lines) == 1
    assert (dots.get_marker(), dots.get_linestyle()) == ("o", "None")
    assert dots.get_xydata().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_filling_tells_the_kind_of_critical_point(ax):
    minimum, strict, nonstrict = (mark(ax, 0, 0) for mark in MARKS)
    dark, white = to_rgba(COLOURS.MARK), to_rgba("white")
    assert minimum.get_fillstyle() == nonstrict.get_fillstyle() == "full"
    assert to_rgba(minimum.get_markerfacecolor()) == dark
    assert strict.get_fillstyle() == "left"
    assert to_rgba(strict.get_markerfacecolor()) == dark
    assert to_rgba(strict.get_markerfacecoloralt()) == white
    assert to_rgba(nonstrict.get_markerfacecolor()) == white
    assert all(to_rgba(m.get_markeredgecolor()) == dark for m in (minimum, strict, nonstrict))


@pytest.mark.parametrize("mark", MARKS)
def test_marks_take_short_and_long_names_of_properties(mark, ax):
    dots = mark(ax, 0, 0, ms=9, c="red", zorder=7)
    assert (dots.get_markersize(), dots.get_zorder()) == (9, 7)
    assert dots.get_markeredgecolor() == "red"
    assert mark(ax, 0, 0, markersize=4).get_markersize() == 4


@pytest.mark.parametrize("function", MARKS + LINES)
@pytest.mark.parametrize(
    ("x", "y", "named"),
    [
        ([0, np.nan], [0, 1], "x"),
        ([0, 1], [0, np.inf], "y"),
        ([0, 1], [0, 1, 2], "y"),
        ([[0, 1]], [0, 1], "x"),
        ([], [], "x"),
        (["a", "b"], [0, 1], "x"),
    ],
)
def test_bad_points_are_refused_by_name(function, x, y, named, ax):
    with pytest.raises(ValueError, match=f"^{named}: expected"):
        function(ax, x, y)
    assert not ax.lines


@pytest.mark.parametrize("function", MARKS + LINES + [arrow_on])
def test_something_else_than_axes_is_refused(function):
    with pytest.raises(ValueError, match="^ax: expected"):
        function("axes", [0, 1], [0, 1])


def test_solid_is_stable_dashed_is_unstable_thick_is_a_connection(ax):
    stable, unstable, connection = (line(ax, [0, 1], [0, 1]) for line in LINES)
    assert (stable.get_linestyle(), stable.get_color()) == ("-", COLOURS.STABLE)
    assert (unstable.get_linestyle(), unstable.get_color()) == ("--", COLOURS.UNSTABLE)
    assert connection.get_linestyle() == "-"
    assert connection.get_linewidth() > 1.4 * stable.get_linewidth()


def test_a_connection_has_an_arrowhead_unless_told_otherwise(ax):
    mark_connection(ax, [0, 1], [0, 1])
    assert len(ax.texts) == 1
    mark_connection(ax, [0, 1], [0, 1], at=None, lw=2)
    assert len(ax.texts) == 1 and ax.lines[1].get_linewidth() == 2


def test_an_arrowhead_points_along_time(ax):
    arrow = arrow_on(ax, [0, 1, 1], [0, 0, 1], at=0.75)
    assert np.allclose(arrow.xy, (1, 0.5), atol=0.02)
    assert arrow.xy[1] > arrow.xyann[1] and arrow.xy[0] == arrow.xyann[0]
    back = arrow_on(ax, [1, 1, 0], [1, 0, 0], at=0.25)
    assert back.xy[1] < back.xyann[1]


def test_an_arrowhead_changes_no_limits(ax):
    ax.plot([0, 1], [0, 1])
    before = ax.get_xlim(), ax.get_ylim()
    arrow_on(ax, [0, 1], [0, 1], at=1, color="red", alpha=0.5)
    assert (ax.get_xlim(), ax.get_ylim()) == before


@pytest.mark.parametrize("at", [-0.1, 1.1, np.nan, "middle", None, [0.5]])
@pytest.mark.parametrize(
    "function", [arrow_on, lambda ax, x, y, at: label_line(ax, (x, y), "", at)]
)
def test_a_place_outside_the_line_is_refused(function, at, ax):
    with pytest.raises(ValueError, match="^at: expected"):
        function(ax, [0, 1], [0, 1], at=at)


def test_a_line_without_length_is_refused(ax):
    with pytest.raises(ValueError, match="positive length"):
        arrow_on(ax, [1, 1, 1], [2, 2, 2])
    with pytest.raises(ValueError, match="two points or more"):
        arrow_on(ax, [1], [2])


finite = st.floats(-1e6, 1e6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=20), st.floats(0, 1))
def test_a_place_lies_on_the_line_at_its_fraction_of_the_length(points, at):
    points = np.array(points)
    steps = np.hypot(*np.diff(points, axis=0).T)
    figure, ax = plt.subplots(layout="none")
    if steps.sum() == 0:
        with pytest.raises(ValueError):
            points_along(ax, *points.T, [at])
    else:
        (place,) = points_along(ax, *points.T, [at])
        so_far = np.cumsum(steps)
        k = min(np.searchsorted(so_far, at * so_far[-1]), len(steps) - 1)
        walked = (so_far[k] - steps[k]) + np.hypot(*(place - points[k]))
        assert walked == pytest.approx(at * so_far[-1], rel=1e-6, abs=1e-6 * so_far[-1])
    plt.close(figure)


def test_lengths_are_in_decades_on_logarithmic_axes(ax):
    ax.set(xscale="log", yscale="log")
    (place,) = points_along(ax, [1, 1e-12], [1, 1e-12], [0.5])
    assert place == pytest.approx([-6, -6])


def test_a_label_sits_on_its_line_and_follows_it(ax):
    (line,) = ax.plot([0, 2], [0, 2], color=COLOURS.UNSTABLE)
    ax.set(xlim=(0, 2), ylim=(0, 2), aspect="equal")
    label = label_line(ax, line, "unstable", at=0.25)
    assert label.get_position() == pytest.approx((0.5, 0.5))
    ax.figure.draw_without_rendering()
    assert label.get_rotation() == pytest.approx(45)
    ax.set(aspect="auto", ylim=(0, 2000))
    assert abs(label.get_rotation()) < 1


def test_a_label_is_never_upside_down(ax):
    ax.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
    for angle in np.linspace(0, 2 * np.pi, 33):
        label = label_line(ax, ([0, np.cos(angle)], [0, np.sin(angle)]), "text")
        assert -90 <= label.get_rotation() <= 90


def test_a_label_keeps_its_angle_on_logarithmic_axes(ax):
    ax.set(yscale="log", xlim=(0, 1), ylim=(1e-14, 1))
    label = label_line(ax, ([0, 1], [1, 1e-14]), "rate", at=0.9)
    ax.figure.draw_without_rendering()
    box = ax.get_window_extent()
    assert label.get_rotation() == pytest.approx(-np.degrees(np.arctan(box.height / box.width)))


def test_a_label_has_a_halo_and_a_fixed_angle_if_asked(ax):
    label = label_line(ax, ([0, 1], [0, 1]), "text", rotation=10, size=6, ha="left")
    assert len(label.get_path_effects()) == 1
    assert (label.get_rotation(), label.get_fontsize()) == (10, 6)
    assert label.get_horizontalalignment() == "left"


@pytest.mark.parametrize("colour", [*COLOURS.CATEGORIES, *COLOURS.LAYERS, COLOURS.LEVEL])
def test_a_label_is_dark_enough_to_be_read_on_white(colour, ax):
    (line,) = ax.plot([0, 1], [0, 1], color=colour)
    rgb = np.array(to_rgb(label_line(ax, line, "text").get_color()))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.4


@pytest.mark.parametrize("line", [3, [[0, 1]], None, "line"])
def test_a_label_needs_a_line(line, ax):
    with pytest.raises(ValueError, match="^line: expected|^x: expected"):
        label_line(ax, line, "text")


def test_marks_return_their_artists(ax):
    assert all(isinstance(f(ax, [0, 1], [0, 1]), Line2D) for f in MARKS + LINES)
