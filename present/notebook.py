"""Where the lessons are, what their cells say about themselves, and the types of output that are this course's own."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

# Types of output, as they stand in a stored notebook. The second is course_lib.explorer's, whose import takes a while.
WIDGET = "application/vnd.jupyter.widget-view+json"
FRAMES = "application/vnd.course.frames+json"


def find(name, folder=NOTEBOOKS):
    """The path of one stored lesson, from "01b", its whole name or a path.

    Raises
    ------
    LookupError
        if there is none; says which there are.
    """
    stem = Path(name).name.removesuffix(".ipynb")
    paths = sorted(folder.glob("*.ipynb"))
    found = [path for path in paths if path.stem == stem or path.stem.startswith(stem + "_")]
    if len(found) != 1:
        raise LookupError(
            f"{'More than one lesson is' if found else 'No lesson is'} called {name!r}. "
            f"There are: {', '.join(path.stem for path in paths) or 'none'}."
        )
    return found[0]


def tags(cell):
    return cell.metadata.get("tags", [])


def slide_type(cell):
    """The cell's slide type; "-" (goes on the slide before it) if it says none."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def folded(cell):
    """Whether a notebook opens with this cell's source hidden."""
    return cell.metadata.get("jupyter", {}).get("source_hidden") is True
