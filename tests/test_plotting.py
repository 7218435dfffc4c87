"""Figures with alternative text, tables in two forms, and the drawings that lessons share."""

import base64
from html.parser import HTMLParser

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import plotting


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr(plotting, "display", lambda data, **options: calls.append((data, options)))
    return calls


def picture(data):
    return base64.b64decode(data["text/html"].split("base64,")[1].split('"')[0])


@pytest.fixture(autouse=True)
def no_figure_is_left():
    with matplotlib.rc_context():
        yield
    plt.close("all")


def test_show_gives_a_picture_with_alternative_text_and_closes_it(shown):
    fig, _ = plt.subplots()
    plotting.show(fig, alt="A line.")
    data, options = shown[0]
    assert set(data) == {"text/html", "text/plain"} and options == {"raw": True}
    assert data["text/html"].startswith('<img alt="A line." src="data:image/png;base64,')
    assert picture(data).startswith(b"\x89PNG") and data["text/plain"] == "Figure: A line."
    assert not plt.get_fignums()


def test_an_alternative_text_may_hold_any_character(shown):
    alt = 'x < 1 & "y" > 2'
    plotting.show(plt.figure(), alt=alt)
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append(dict(attributes)["alt"])
    parser.feed(shown[0][0]["text/html"])
    assert found == [alt]


def draw(shown):
    fig, ax = plt.subplots()
    ax.plot([1, 2, 4])
    ax.set(xlabel="x", ylabel="y", title="T")
    plotting.show(fig, alt="A line.")
    return picture(shown[-1][0])


def test_a_figure_drawn_twice_is_the_same_bytes_and_names_no_version(shown):
    first = draw(shown)
    assert draw(shown) == first
    assert b"atplotlib" not in first and b"tEXt" not in first and b"tIME" not in first


@pytest.mark.parametrize(
    "reader", [{"axes.facecolor": "black", "axes.labelcolor": "white"}, {"text.usetex": True}, "dark_background"]
)
def test_the_style_does_not_depend_on_the_readers_own(reader, shown):
    plotting.use_style()
    expected, backend = draw(shown), matplotlib.get_backend()
    plt.style.use(reader)
    plotting.use_style()
    assert draw(shown) == expected and matplotlib.get_backend() == backend


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_a_figure_without_alternative_text_is_refused(alt):
    with pytest.raises(ValueError, match="sentence"):
        plotting.show(plt.figure(), alt=alt)


def test_a_table_is_aligned_text_and_escaped_html(shown):
    plotting.table(["name", "error"], [["a<b", 0.123456], ["c", 10.0]], caption="T & U")
    data, _ = shown[0]
    assert data["text/plain"].splitlines() == ["T & U", "name   error", "a<b   0.1235", "c         10"]
    assert "a&lt;b" in data["text/html"] and "T &amp; U" in data["text/html"]


@pytest.mark.parametrize(
    "entries, side",
    [
        (["1", "1,230,880"], "right"), (["< 1e-6", "0.5"], "right"), (["", "12 %"], "right"), (["−3.5", "+2"], "right"),
        (["0, 5", "1"], "right"), (["0.1 … 0.2", "nan"], "right"), (["784–128", "3"], "left"), (["", ""], "left"),
        (["3a", "4"], "left"), (["never", "7"], "left"),
    ],
)  # fmt: skip
def test_numbers_stand_at_the_right(shown, entries, side):
    plotting.table(["n", "value"], [["a", entry] for entry in entries])
    assert shown[0][0]["text/html"].split("value")[0].endswith(f'text-align:{side};padding:0.2em 0.8em">')


def test_columns_of_images_have_titles():
    fig = plotting.image_grid({"row": np.zeros((2, 4, 4))}, columns=["one", "two"])
    assert [ax.get_title() for ax in fig.axes] == ["one", "two"]
    with pytest.raises(ValueError, match="1 titles for 2 columns"):
        plotting.image_grid({"row": np.zeros((2, 4, 4))}, columns=["one"])


def test_a_table_with_a_short_row_is_refused():
    with pytest.raises(ValueError, match="1 entries, the header 2"):
        plotting.table(["a", "b"], [["x"]])


def test_the_four_colours_are_told_apart_in_grey_and_by_the_colour_blind():
    """Luminance (ITU-R BT.709) of PyTorch, Keras, NumPy and the truth differs; so do lines beside each other."""
    from matplotlib.colors import to_rgb

    light = sorted(np.dot(to_rgb(c), (0.2126, 0.7152, 0.0722)) for c in plotting.COLOURS.values())
    assert min(np.diff(light)) > 0.03
    assert len(set(plotting._LINE.values())) >= 3


def test_loss_curves_take_the_colours_of_the_frameworks():
    ax = plotting.loss_curves({"PyTorch": [2, 1], "Keras": [2, 1], "baseline": [1, 1]}, log=True)
    colours = [line.get_color() for line in ax.lines]
    assert colours[:2] == [plotting.PYTORCH, plotting.KERAS] and colours[2] in plotting.OTHERS
    assert ax.get_yscale() == "log" and list(ax.lines[0].get_xdata()) == [1, 2]


def test_a_confusion_matrix_is_scaled_by_row():
    ax = plotting.confusion_matrix([[8, 2], [0, 0]], ["a", "b"])
    assert np.allclose(ax.images[0].get_array(), [[0.8, 0.2], [0, 0]])
    with pytest.raises(ValueError, match="labels"):
        plotting.confusion_matrix(np.eye(3), ["a", "b"])


def test_an_image_grid_needs_rows_of_one_length():
    fig = plotting.image_grid({"in": np.zeros((3, 4, 4)), "out": np.ones((3, 4, 4))})
    assert len(fig.axes) == 6
    for rows in ({}, {"a": np.zeros((2, 3, 3)), "b": np.zeros((3, 3, 3))}, {"a": np.zeros((21, 3, 3))}):
        with pytest.raises(ValueError, match="1 to 20"):
            plotting.image_grid(rows)


def test_the_unrolled_network_has_a_column_for_each_step():
    _, ax = plt.subplots()
    plotting.unrolled(ax, ["$x_1$", ""], ["", "$y_2$"])
    words = {text.get_text() for text in ax.texts}
    assert {"$x_1$", "$y_2$", "$h_{1}$", "$h_{2}$"} <= words and len(ax.patches) == 2
    with pytest.raises(ValueError, match="one label for each step"):
        plotting.unrolled(ax, ["a"], ["b", "c"])
