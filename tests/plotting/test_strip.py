from dataclasses import replace

import matplotlib.pyplot as plt
import pytest

from gradflows.plotting import WIDTHS, accuracy_strip, use_style
from gradflows.trajectories import Accuracy

GOOD = Accuracy("LSODA", 1e-9, 1e-12, 412, 3e-9, 2e-14, True)


def strip_of(figure):
    return figure.get_supxlabel()


def test_the_strip_is_the_text_of_the_accuracy(ax):
    use_style("wide")
    ax = plt.subplots()[1]
    assert accuracy_strip(GOOD, ax=ax) is ax
    assert strip_of(ax.figure) == str(GOOD)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("label", ["", "time $t$"])
def test_the_strip_is_inside_the_figure_and_below_the_labels(width, label):
    use_style(width)
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    ax.set_xlabel(label)
    accuracy_strip(GOOD, ax=ax)
    figure.draw_without_rendering()
    box = figure._supxlabel.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0
    assert box.y1 <= ax.get_tightbbox().y0
    assert figure._supxlabel.get_fontsize() >= 6.5


def test_a_narrow_figure_breaks_the_strip_at_its_bars():
    use_style("single")
    ax = plt.subplots()[1]
    accuracy_strip(GOOD, ax=ax)
    lines = strip_of(ax.figure).split("\n")
    assert len(lines) == 2
    assert " | ".join(lines) == str(GOOD)


def test_a_part_that_is_too_wide_is_broken_between_words():
    ax = plt.subplots(figsize=(2, 2))[1]
    accuracy_strip(GOOD, ax=ax)
    words = strip_of(ax.figure).replace("|", " ").split()
    assert words == str(GOOD).replace("|", " ").split()
    ax.figure.draw_without_rendering()
    box = ax.figure._supxlabel.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= ax.figure.bbox.width


def test_several_of_one_method_are_one_entry_with_the_worst(ax):
    use_style("wide")
    ax = plt.subplots()[1]
    worse = replace(GOOD, evaluations=88, error=3e-5, drift=1e-6, falls=False)
    accuracy_strip([GOOD, worse], ax=ax)
    whole = replace(GOOD, evaluations=500, error=3e-5, drift=1e-6, falls=False)
    assert strip_of(ax.figure).replace("\n", " | ") == f"2 trajectories: {whole}"


def test_what_is_unknown_of_one_is_unknown_of_all(ax):
    accuracy_strip([GOOD, replace(GOOD, drift=None)], ax=ax)
    assert "drift none known" in strip_of(ax.figure)


def test_other_methods_have_entries_of_their_own():
    ax = plt.subplots(figsize=(12, 3))[1]
    descent = Accuracy("gradient descent", None, None, 100, 0.0, 1e-3, True)
    accuracy_strip([GOOD, descent], ax=ax)
    assert strip_of(ax.figure).split("\n") == [str(GOOD), str(descent)]


def test_strips_of_two_axes_are_put_below_each_other_once():
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 3))
    accuracy_strip(GOOD, ax=left)
    accuracy_strip(GOOD, ax=right)
    assert strip_of(figure) == str(GOOD)
    accuracy_strip("by hand", ax=right)
    assert strip_of(figure).split("\n") == [str(GOOD), "by hand"]


def test_the_place_of_a_common_label_is_not_taken(ax):
    ax.figure.supxlabel("time")
    with pytest.raises(ValueError, match="^ax: expected a figure without supxlabel"):
        accuracy_strip(GOOD, ax=ax)
    assert strip_of(ax.figure) == "time"


@pytest.mark.parametrize("nothing", ["", [], (), " "])
def test_nothing_to_write_is_refused(nothing, ax):
    with pytest.raises(ValueError, match="^accuracy: expected"):
        accuracy_strip(nothing, ax=ax)


def test_something_else_than_axes_is_refused():
    with pytest.raises(ValueError, match="^ax: expected"):
        accuracy_strip(GOOD, ax="axes")
