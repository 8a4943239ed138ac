import re
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import is_color_like, to_rgb

from gradflows.plotting import (
    COLOURS,
    DASHES,
    WIDTHS,
    accuracy_strip,
    label_line,
    mark_minimum,
    mark_strict_saddle,
    plot_level_sets,
    plot_phase_plane,
    plot_trajectory,
    stable_manifold,
    unstable_manifold,
    use_style,
)


def field(u, v):
    return v * (1 - u * v), u * (1 - u * v)


def emblem():
    figure, ax = plt.subplots(figsize=(5, 4.9))
    limits = (-2, 2)
    plot_phase_plane(field, limits, limits, ax=ax)
    plot_level_sets(lambda u, v: u**2 - v**2, limits, limits, [-1, 1], ax=ax, labels=True)
    line = stable_manifold(ax, [-2, 2], [2, -2])
    unstable_manifold(ax, [-1, 1], [-1, 1])
    label_line(ax, line, "stable", 0.2)
    angle = np.linspace(0, 1, 40)
    plot_trajectory(np.column_stack([np.cosh(angle), np.sinh(angle)]), ax=ax)
    mark_minimum(ax, [1, -1], [1, -1])
    mark_strict_saddle(ax, 0, 0)
    ax.set(xlabel="$u$", ylabel="$v$")
    accuracy_strip("LSODA, rtol 1e-09 | error 1e-08", ax=ax)
    return figure


def test_two_draws_are_equal_byte_by_byte(svg):
    first, second = svg(emblem()), svg(emblem())
    assert first == second
    assert len(first) < 300_000


def test_a_second_process_draws_the_same_bytes(svg):
    code = (
        "import sys; from gradflows.plotting import *; use_style();"
        "import matplotlib.pyplot as plt; plt.switch_backend('agg'); ax = plt.subplots()[1];"
        "plot_trajectory([[0, 0], [1, 2]], ax=ax); mark_minimum(ax, 1, 2);"
        "plt.savefig(sys.stdout.buffer, format='svg', metadata={'Date': None})"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    ax = plt.subplots()[1]
    plot_trajectory([[0, 0], [1, 2]], ax=ax)
    mark_minimum(ax, 1, 2)
    assert other == svg(ax.figure)


def test_a_moved_point_changes_the_bytes(ax, svg):
    mark = mark_minimum(ax, [0, 1], [0, 1])
    before = svg(ax.figure)
    mark.set_data([0, 1], [0.001, 1])
    assert svg(ax.figure) != before


def test_svg_has_outlines_for_text_no_date_and_a_white_face(svg):
    text = svg(emblem()).decode()
    assert "<text" not in text
    assert "dc:date" not in text
    assert re.search(r'id="patch_1">\s*<path[^>]*style="fill: #ffffff"', text)


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_have_the_width_that_was_asked_for(width, svg):
    use_style(width)
    figure = plt.subplots()[0]
    assert figure.get_figwidth() == WIDTHS[width]
    assert f'width="{72 * WIDTHS[width]:g}pt"' in svg(figure).decode()


def test_widths_are_those_of_the_book():
    assert list(WIDTHS.values()) == [3.3, 5.0, 6.8]


def test_use_style_refuses_an_unknown_width():
    with pytest.raises(ValueError, match="width: expected one of single, medium, wide"):
        use_style("huge")


def test_use_style_forgets_settings_made_before():
    plt.rcParams["lines.linewidth"] = 17
    plt.rcParams["axes.titlecolor"] = "red"
    use_style()
    assert plt.rcParams["lines.linewidth"] < 2
    assert plt.rcParams["axes.titlecolor"] == "auto"


def test_type_is_legible_and_the_font_is_matplotlibs_own():
    assert plt.rcParams["font.size"] == 9
    assert plt.rcParams["font.sans-serif"][0] == "DejaVu Sans"
    sizes = ["axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"]
    assert min(plt.rcParams[name] for name in sizes) >= 8


def test_colours_are_hexadecimal_and_distinct_within_a_list():
    for value in vars(COLOURS).values():
        several = value if isinstance(value, list) else [value]
        assert all(re.fullmatch("#[0-9a-f]{6}", c.lower()) and is_color_like(c) for c in several)
        assert len(set(several)) == len(several)


def test_modes_share_no_colour_with_stable_and_unstable():
    assert not {COLOURS.STABLE, COLOURS.UNSTABLE} & set(COLOURS.MODES)


def test_layers_darken_with_depth():
    brightness = [sum(to_rgb(colour)) for colour in COLOURS.LAYERS]
    assert brightness == sorted(brightness, reverse=True)


def test_neighbours_in_a_list_differ_in_dash_too():
    assert len(set(DASHES)) == len(DASHES) >= len(COLOURS.MODES)


def test_outside_a_notebook_ipython_is_not_imported():
    code = "import sys; from gradflows.plotting import use_style; use_style(); " + (
        "sys.exit('IPython' in sys.modules or 'matplotlib_inline' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


NOTEBOOK = """
import io
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import matplotlib
matplotlib.use("module://matplotlib_inline.backend_inline")
shell.run_cell(
    "import matplotlib.pyplot as plt\\n"
    "from gradflows.plotting import use_style; use_style()"
).raise_error()
# Formatting runs after the backend has configured itself, as in a kernel.
shell.run_cell("figure, ax = plt.subplots(); ax.plot([1, 2]); None").raise_error()
drawn = [shell.display_formatter.format(shell.user_ns["figure"])[0] for _ in range(2)]
assert "image/svg+xml" in drawn[0] and "image/png" not in drawn[0]
assert drawn[0] == drawn[1]
assert "dc:date" not in drawn[0]["image/svg+xml"]
assert 'width="360pt"' in drawn[0]["image/svg+xml"]
"""


def test_in_ipython_figures_are_svg_without_date_at_full_width():
    pytest.importorskip("IPython")
    subprocess.run([sys.executable, "-c", NOTEBOOK], check=True)
