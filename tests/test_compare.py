"""What a cell says, taken apart: words, numbers, pictures."""

import base64
import io

import pytest
from nbformat.v4 import new_output
from PIL import Image, ImageDraw

from tools.compare import is_whole, last_place, parts, picture_distance, split


def picture(shade=255, size=(320, 200), line=100, mode="RGB"):
    """The PNG of one thin line on paper of a shade of grey."""
    drawn = Image.new(mode, size, (shade,) * len(mode))
    ImageDraw.Draw(drawn).line([(20, line), (300, line)], fill="black", width=2)
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "words", "numbers"),
    [
        ("loss 0.12, 3 epochs", ["loss", ", ", "epochs"], [("0.12", ""), ("3", "")]),
        ("shape (64, 28)", ["shape (", ", ", ")"], [("64", ""), ("28", "")]),
        ("x -0.5 of 7-8", ["x", "of", "-", ""], [("-0.5", ""), ("7", ""), ("8", "")]),
        ("float32 conv2d_1", ["float32 conv2d_1"], []),
        ("took 3.2 s, 12 MB", ["took", ", ", ""], [("3.2", "s"), ("12", "MB")]),
        ("60,000 images", ["", "images"], [("60,000", "")]),
        ("1.5e-08 and nan", ["", "and", ""], [("1.5e-08", ""), ("nan", "")]),
        ("a\n------- b 1", ["a - b", ""], [("1", "")]),
        ("<Net at 0x7f12ab34cd56>", ["<Net at <address>>"], []),
        ("\x1b[31mred\x1b[0m 2", ["red", ""], [("2", "")]),
    ],
)
def test_words_and_numbers(text, words, numbers):
    found_words, found_numbers = split(text)
    assert [word.strip() for word in found_words] == [word.strip() for word in words]
    assert found_numbers == numbers


@pytest.mark.parametrize(
    ("digits", "place", "whole"), [("0.97", 0.01, False), ("1.5e-3", 1e-4, False), ("12", 1, True), ("1,200", 1, True)]
)
def test_the_last_printed_place(digits, place, whole):
    assert last_place(digits) == pytest.approx(place)
    assert is_whole(digits) is whole


def test_pictures_are_measured():
    assert picture_distance(picture(), picture()) == (0.0, 0.0)
    assert max(picture_distance(picture(), picture(mode="RGBA"))) == 0.0
    mean, ink = picture_distance(picture(), picture(line=120))
    assert mean < 0.05 and ink > 1  # hardly any pixel, but all of the ink
    assert picture_distance(picture(), picture(shade=200))[0] > 0.15
    assert picture_distance(picture(), picture(size=(400, 200))) is None


def test_the_parts_of_outputs():
    data = base64.b64encode(picture()).decode()
    claim = {"sentence": "it holds", "value": 1.0}
    outputs = [
        new_output("stream", name="stdout", text="one "),
        new_output("display_data", data={"text/html": f'<img alt="a line" src="data:image/png;base64,{data}">'}),
        new_output("stream", name="stdout", text="two"),
        new_output("display_data", data={"image/png": data}, metadata={"image/png": {"alt": "old"}}),
        new_output("display_data", data={"text/html": "<b>4</b>", "text/plain": "four 4"}),
        new_output("display_data", data={"application/vnd.course.claim+json": claim, "text/plain": "✓ it holds"}),
        new_output("error", ename="ValueError", evalue="no", traceback=["…"]),
    ]
    found = parts(outputs)
    assert list(found) == ["stdout", "picture 1", "picture 2", "text 1", "claim 1", "error 1"]
    assert found["stdout"].text == "one two"
    assert (found["picture 1"].text, found["picture 2"].text) == ("a line", "old")
    assert found["picture 1"].data == picture() == found["picture 2"].data
    assert found["text 1"].text == "four 4"  # plain text stands for its HTML twin
    assert found["claim 1"].data == claim
    assert found["error 1"].text == "ValueError: no"
