import io

import matplotlib as mpl
import pytest

mpl.use("agg")

import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)

from gradflows.plotting import use_style  # noqa: E402


@pytest.fixture(autouse=True)
def style():
    use_style()
    yield
    plt.close("all")
    mpl.rcdefaults()
    mpl.use("agg")


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture
def svg():
    def write(figure):
        target = io.BytesIO()
        figure.savefig(target, format="svg", metadata={"Date": None})
        return target.getvalue()

    return write
