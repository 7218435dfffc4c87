"""The browser that prints decks and that the browser tests drive: the Chromium or Chrome that this machine has."""

import contextlib
import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Nothing is asked of the network, and no sandbox, which a container's root cannot have.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip


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
        raise SystemExit("Playwright is missing: .venv/bin/pip install -c constraints.txt -e '.[present]'") from None
    with sync_playwright() as playwright:
        path = executable()
        try:
            # Without a path, Playwright looks for an installed Chrome where macOS and Windows keep it.
            where = {"executable_path": path} if path else {"channel": "chrome"}
            started = playwright.chromium.launch(args=list(FLAGS), **where)
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
    from pypdf import PdfReader, PdfWriter

    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    try:
        page.goto(f"{path.as_uri()}?view=print&theme=light")
        page.wait_for_function("window.deckReady && document.querySelector('.pdf-page')", timeout=180_000)
        slides = page.evaluate("window.deckReady.slides")
        page.emulate_media(media="print")
        target = path.with_suffix(".pdf")
        page.pdf(path=str(target), width="1280px", height="720px", print_background=True)
    finally:
        page.close()
    reader = PdfReader(target)
    if len(reader.pages) > slides:  # Chromium adds an empty page behind the last slide
        writer = PdfWriter()
        for sheet in reader.pages[:slides]:
            writer.add_page(sheet)
        writer.write(target)
    return target


def print_decks(paths):
    """Print each deck and say how large its PDF is."""
    with browser() as chromium:
        for path in paths:
            target = print_pdf(chromium, path)
            print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB")
