from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.plotting import COLOURS, DASHES, plot_loss, plot_trajectory

T = np.linspace(0, 10, 101)


def run(rate=1.0, scale=1.0):
    theta = np.column_stack([np.exp(-rate * T), np.sin(T), T])
    return SimpleNamespace(t=T, theta=theta, loss=scale * np.exp(-rate * T))


def test_a_trajectory_and_its_array_give_the_same_curve(ax):
    trajectory = run()
    assert plot_trajectory(trajectory, (2, 1), ax=ax) is ax
    plot_trajectory(trajectory.theta, (-1, 1), ax=ax)
    first, second = (line.get_xydata() for line in ax.lines)
    assert np.array_equal(first, second)
    assert np.array_equal(first, trajectory.theta[:, [2, 1]])


def test_coordinates_may_be_a_projection(ax):
    plot_trajectory(run(), [[1, 1, 0], [0, 0, 2]], ax=ax)
    theta = run().theta
    assert np.allclose(ax.lines[0].get_xdata(), theta[:, 0] + theta[:, 1])
    assert np.allclose(ax.lines[0].get_ydata(), 2 * theta[:, 2])


@settings(deadline=None)
@given(st.integers(0, 6))
def test_as_many_arrowheads_as_asked_for_evenly_spaced(count):
    ax = plt.figure(layout="none").add_subplot()
    plot_trajectory([[0.0, 0.0], [1.0, 0.0]], ax=ax, arrows=count)
    places = [(text.xy[0] + text.xyann[0]) / 2 for text in ax.texts]
    assert places == pytest.approx((np.arange(count) + 0.5) / max(count, 1))
    plt.close(ax.figure)


def test_arrowheads_at_given_fractions_in_the_colour_of_the_curve(ax):
    plot_trajectory([[0, 0], [1, 0]], ax=ax, arrows=[0.25, 0.75], color="red", lw=3)
    assert [text.xy[0] > text.xyann[0] for text in ax.texts] == [True, True]
    assert [text.arrow_patch.get_facecolor() for text in ax.texts] == [(1, 0, 0, 1)] * 2
    assert ax.lines[0].get_linewidth() == 3


def test_a_trajectory_at_rest_has_no_arrowhead(ax):
    plot_trajectory(np.ones((5, 2)), ax=ax)
    assert len(ax.lines) == 1 and not ax.texts


def test_the_current_axes_serve_if_none_are_given():
    ax = plt.subplots()[1]
    assert plot_trajectory(run()) is ax
    assert plot_loss(run()) is ax


@pytest.mark.parametrize(
    "coordinates", [(0, 3), (-4, 0), (0,), (0, 1, 2), (0.0, 1.0), "uv", None, np.eye(2)]
)
def test_bad_coordinates_are_refused(coordinates, ax):
    with pytest.raises(ValueError, match="^coordinates: expected"):
        plot_trajectory(run(), coordinates, ax=ax)


@pytest.mark.parametrize("arrows", [-1, True, 1.5, [1.5], [-0.1], [np.nan], "two", None])
def test_bad_arrows_are_refused(arrows, ax):
    with pytest.raises(ValueError, match="^arrows: expected"):
        plot_trajectory(run(), ax=ax, arrows=arrows)
    assert not ax.lines


@pytest.mark.parametrize("theta", [[1, 2, 3], [[1, np.nan]], np.zeros((0, 2)), "path", 1j])
def test_bad_trajectories_are_refused(theta, ax):
    with pytest.raises(ValueError, match="^trajectory: expected"):
        plot_trajectory(theta, ax=ax)


def test_a_trajectory_has_two_times_or_more(ax):
    with pytest.raises(ValueError, match="^trajectory: expected two times or more, got 1"):
        plot_trajectory([[1, 2]], ax=ax)


def test_losses_differ_in_colour_and_dash_and_axes_are_named(ax):
    assert plot_loss([run(1), run(2), run(3)], ax=ax) is ax
    assert [line.get_color() for line in ax.lines] == COLOURS.CATEGORIES[:3]
    ax.figure.draw_without_rendering()
    assert len({str(line._dash_pattern) for line in ax.lines}) == 3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time $t$", "loss $L$")
    assert ax.get_yscale() == "linear" and ax.get_legend() is None


def test_more_losses_than_colours_are_drawn_all(ax):
    several = [run(1 + k / 10) for k in range(20)]
    plot_loss(several, ax=ax, linestyle="-")
    assert len(ax.lines) == 20 > len(DASHES)
    assert {line.get_linestyle() for line in ax.lines} == {"-"}


def test_labels_sit_on_their_lines(ax):
    runs = [run(0.3), run(1), run(3)]
    plot_loss(runs, labels=["slow", "middle", "fast"], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["slow", "middle", "fast"]
    for text, trajectory in zip(ax.texts, runs, strict=True):
        t, loss = text.get_position()
        assert np.interp(t, T, trajectory.loss) == pytest.approx(loss, abs=0.02)


def test_labels_keep_apart(ax):
    plot_loss([run(0.3), run(3)], labels=["slow", "fast"], ax=ax)
    (t, slow), (s, fast) = (text.get_position() for text in ax.texts)
    assert abs(t - s) / 10 + abs(slow - fast) > 0.2


@pytest.mark.parametrize("log", [False, True])
def test_equal_or_constant_losses_can_be_labelled(log, ax):
    flat = SimpleNamespace(t=T, loss=np.ones_like(T))
    plot_loss([flat, flat], labels=["a", "b"], ax=ax, log=log)
    assert len(ax.texts) == 2


def test_one_label_may_be_a_plain_string(ax):
    plot_loss(run(), labels="flow", ax=ax)
    assert ax.texts[0].get_text() == "flow"


def test_rounding_is_drawn_at_the_floor(ax):
    plot_loss([run(10), run(1)], ax=ax, log=True)
    floors = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert ax.get_yscale() == "log"
    assert [line.get_ydata()[0] for line in floors] == [1e-14]
    assert min(line.get_ydata()[-1] for line in ax.lines) == 1e-14


def test_a_loss_of_zero_is_drawn_at_the_floor(ax):
    plot_loss(SimpleNamespace(t=[0, 1], loss=[1, 0]), ax=ax, log=True, floor=1e-6)
    assert ax.lines[-1].get_ydata().tolist() == [1, 1e-6]


def test_there_is_no_floor_where_none_is_reached(ax):
    plot_loss([run(1)], ax=ax, log=True)
    assert len(ax.lines) == 1


@pytest.mark.parametrize("labels", [["a"], ["a", "b", "c"]])
def test_labels_are_as_many_as_trajectories(labels, ax):
    with pytest.raises(ValueError, match="^labels: expected 2"):
        plot_loss([run(), run()], labels=labels, ax=ax)
    assert not ax.lines


@pytest.mark.parametrize("trajectories", [[], None, 3, [1, 2], np.zeros((3, 2)), "loss"])
def test_things_without_a_loss_are_refused(trajectories, ax):
    with pytest.raises(ValueError, match="^trajectories: expected"):
        plot_loss(trajectories, ax=ax)


@pytest.mark.parametrize("loss", [[1, np.nan], [1], [1, 2, 3], ["a", "b"]])
def test_bad_losses_are_refused(loss, ax):
    with pytest.raises(ValueError, match="^trajectories: loss: expected"):
        plot_loss(SimpleNamespace(t=[0, 1], loss=loss), ax=ax)


@pytest.mark.parametrize("floor", [0, -1, np.nan, "low"])
def test_a_bad_floor_is_refused(floor, ax):
    with pytest.raises(ValueError, match="^floor: expected"):
        plot_loss(run(), ax=ax, log=True, floor=floor)


@pytest.mark.parametrize("function", [plot_trajectory, plot_loss])
def test_something_else_than_axes_is_refused(function):
    with pytest.raises(ValueError, match="^ax: expected"):
        function(run(), ax="axes")
