"""The browser that prints decks and that the browser tests drive: the Chromium or Chrome that this machine has."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Nothing is asked of the network.
FLAGS = (
    "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip


def flags():
    """Chromium's options; root, who can have no sandbox, runs it without."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*FLAGS, *(["--no-sandbox"] if root else [])]


def executable():
    """The path of Chromium or Chrome (``COURSE_CHROMIUM``, or the first of the usual names on the path), or None."""
    asked = os.environ.get("COURSE_CHROMIUM")
    if asked:
        if not Path(asked).is_file():
            raise SystemExit(f"COURSE_CHROMIUM names {asked}, which is not there.")
        return asked
    return next((found for found in map(shutil.which, NAMES) if found), None)


@contextlib.contextmanager
def browser():
    """A headless browser, for as long as the block runs.

    Raises
    ------
    SystemExit
        if Playwright is not installed, or if there is no browser; says what to do.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise SystemExit(
            f"Playwright is missing: {sys.executable} -m pip install -c constraints.txt -e '.[test,pages]'"
        ) from None
    with sync_playwright() as playwright:
        path = executable()
        try:
            # Without a path, Playwright looks for an installed Chrome where macOS and Windows keep it.
            where = {"executable_path": path} if path else {"channel": "chrome"}
            started = playwright.chromium.launch(args=flags(), **where)
        except Error as error:
            raise SystemExit(
                "No Chromium or Chrome was found. Install one (Debian, Ubuntu: apt install chromium), "
                f"or set COURSE_CHROMIUM to its path.\n{str(error).splitlines()[0]}"
            ) from None
        try:
            yield started
        finally:
            started.close()


def print_pdf(chromium, path):
    """Print a deck (``build/slides/03a….html``) to a PDF beside it, one slide a page; return the PDF's path."""
    import io

    from pypdf import PdfReader, PdfWriter

    from tools.kernel import write_atomically

    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    try:
        page.goto(f"{path.as_uri()}?view=print&theme=light")
        page.wait_for_function("window.deckReady && document.querySelector('.pdf-page')", timeout=180_000)
        slides = page.evaluate("window.deckReady.slides")
        page.emulate_media(media="print")
        printed = page.pdf(width="1280px", height="720px", print_background=True)
    finally:
        page.close()
    reader = PdfReader(io.BytesIO(printed))
    if len(reader.pages) > slides:  # Chromium adds an empty page behind the last slide
        writer, shorter = PdfWriter(), io.BytesIO()
        for sheet in reader.pages[:slides]:
            writer.add_page(sheet)
        writer.write(shorter)
        printed = shorter.getvalue()
    target = path.with_suffix(".pdf")
    write_atomically(target, printed)
    return target
