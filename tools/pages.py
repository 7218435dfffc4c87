"""What a cell of a lesson looks like as HTML, for the decks and for the site."""

from __future__ import annotations

import html
import json
import math
import re
from functools import cache

from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbconvert.filters import Highlight2HTML, ansi2html

from tools.lesson import ALT, CLAIM, EMBEDDED, FRAMES

_highlight = Highlight2HTML(pygments_lexer="ipython3")


@cache
def _renderer() -> MarkdownIt:
    """GitHub's Markdown, with HTML; TeX is kept as it is, for MathJax."""
    renderer = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    renderer.use(dollarmath_plugin, allow_space=False, double_inline=True).use(amsmath_plugin)

    def tex(before, after):
        return lambda self, tokens, index, options, env: before + html.escape(tokens[index].content) + after

    renderer.add_render_rule("math_inline", tex("$", "$"))
    renderer.add_render_rule("math_inline_double", tex("$$", "$$"))
    renderer.add_render_rule("math_block", tex("<p>$$", "$$</p>"))
    renderer.add_render_rule("amsmath", tex("<p>$$", "$$</p>"))
    return renderer


def markdown(source: str) -> str:
    """Markdown as HTML; TeX between dollars is left to MathJax."""
    return _renderer().render(source)


def code(source: str) -> str:
    return _highlight(source, metadata=None)


def player(recording, identity: str) -> str:
    """A recorded explorer as HTML with sliders; ``player.js`` moves it.

    Parameters
    ----------
    recording : dict
        As ``course_lib.explorer.Explorer.record`` returns it
    identity : str
        Different for each player of a page
    """
    start = ",".join(str(control["start"]) for control in recording["controls"])
    first = recording["frames"][start]
    rows = []
    for control in recording["controls"]:
        label, values = html.escape(control["label"]), control["values"]
        shown = html.escape(values[control["start"]])
        if len(values) == 1:
            rows.append(
                f'<label hidden>{label}<input type="range" min="0" max="0" value="0" '
                f'data-values="{html.escape(json.dumps(values))}"><output>{shown}</output></label>'
            )
            continue
        if not all(re.match(r"[-−]?\d", value) for value in values):
            options = "".join(
                f'<option value="{i}"{" selected" if i == control["start"] else ""}>{html.escape(value)}</option>'
                for i, value in enumerate(values)
            )
            rows.append(f"<label><span>{label}</span><select>{options}</select></label>")
            continue
        rows.append(
            f'<label><span>{label}</span><input type="range" min="0" max="{len(values) - 1}" step="1" '
            f'value="{control["start"]}" aria-label="{label}" aria-valuetext="{shown}" '
            f'data-values="{html.escape(json.dumps(values))}"><output>{shown}</output></label>'
        )
    if len(recording["frames"]) < math.prod(len(control["values"]) for control in recording["controls"]):
        rows.append("<small>Without a kernel one control moves at a time.</small>")
    picture = ""
    if first["image"]:
        alt = html.escape(recording["alt"], quote=True)
        picture = f'<img alt="{alt}" src="data:image/webp;base64,{first["image"]}">'
    heading = f"<strong>{html.escape(recording['title'])}</strong>" if recording["title"] else ""
    question = f"<span>{html.escape(recording['question'])}</span>" if recording["question"] else ""
    data = json.dumps({"frames": recording["frames"]}).replace("</", "<\\/")
    name = html.escape(recording["title"] or "explorer", quote=True)
    return (
        f'<div class="explorer-player" id="{identity}" role="group" aria-label="{name}" data-prevent-swipe>'
        f'<div class="explorer-head">{heading} {question}</div><div class="explorer-controls">{"".join(rows)}</div>'
        f'{picture}<div class="explorer-words" aria-live="polite">{first["words"]}</div>'
        f'<script type="application/json">{data}</script></div>'
    )


def figure(data, metadata=None, source: str | None = None) -> str | None:
    """A stored picture as ``<img>`` with its alternative text, or None if the output is no picture.

    Parameters
    ----------
    data, metadata : dict
        Of the output: text/html with an embedded picture, or a bare one with ``alt`` in its metadata.
    source : str, optional
        The address of a file that replaces the embedded bytes.
    """
    alt, address = _picture(data, metadata or {})
    if address is None:
        return None
    return f'<img class="figure" alt="{html.escape(alt, quote=True)}" src="{source or address}">'


def _picture(data, metadata) -> tuple[str, str | None]:
    embedded = EMBEDDED.search("".join(data.get("text/html", "")))
    if embedded:
        alt = ALT.search(embedded[0])
        address = re.search(r"""\bsrc=(["'])(.*?)\1""", embedded[0], re.DOTALL)[2]
        return html.unescape(alt[2]) if alt else "", address
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return metadata.get(kind, {}).get("alt", ""), f"data:{kind};base64,{''.join(data[kind]).strip()}"
    return "", None


def _for_reading(numbers: str) -> str:
    """HTML: 1e-06 as ten to the −6, -2 as −2, "5, exactly 5" as "exactly 5", and nothing for what is true, exactly true.

    The exponents are ``<sup>``: typefaces lack a superscript minus, and a browser then leaves a gap beside another one's.
    """
    numbers, times = re.subn(r"^(.+), exactly \1(?=;|$)", r"exactly \1", numbers)
    if times and numbers.startswith("exactly True"):
        return ""

    def power(found):
        factor, sign, digits = found.groups()
        exponent = f"10<sup>{sign.replace('-', '−').strip('+')}{digits.lstrip('0')}</sup>"
        return exponent if factor == "1" else f"{factor}·{exponent}"

    numbers = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)e([+-])(\d+)", power, html.escape(numbers))
    return re.sub(r"(?<![\w.)])-(?=\d)", "−", numbers)


def claim(record, text: str = "", *, margin: bool = True) -> str:
    """A published claim in one line: ✓, its sentence, what was measured, the bound and, if asked, the margin.

    Parameters
    ----------
    record : dict
        As ``course_lib.claims`` publishes it.
    text : str
        The line that the lesson prints; the numbers stand as it writes them, set as one reads them.
    margin : bool
        Say how far from its bound the value is.
    """
    sentence = str(record["sentence"])
    words = sentence.rstrip(".:").replace("x_hat", "x̂").replace("||", "‖")
    sign, word = ("✓", "measured, and it holds:") if record["holds"] else ("✗", "does not hold:")
    rest = _for_reading(text.partition(sentence.rstrip("."))[2].strip(" .:\n") or str(record.get("bound") or ""))
    rest = rest if margin else rest.partition("; margin ")[0]
    return (
        f'<p class="claim"><span class="claim-sign" role="img" aria-label="{word}">{sign}</span> '
        f'<span class="claim-sentence">{html.escape(words)}</span>'
        + (f': <span class="claim-numbers">{rest}</span>' if rest else "")
        + "</p>"
    )


def output_html(output, identity: str, *, margin: bool = True) -> tuple[str, str]:
    """One output of a code cell as (kind, HTML), claims with their margin or without.

    kind is "explorer", "figure", "claim", "table", "text" or "error".
    """
    if output.output_type == "stream":
        return "text", f"<pre>{ansi2html(output.text.rstrip())}</pre>"
    if output.output_type == "error":
        return "error", f"<pre>{ansi2html(chr(10).join(output.traceback))}</pre>"
    data = output.data
    if FRAMES in data:
        return "explorer", player(data[FRAMES], identity)
    if CLAIM in data:
        return "claim", claim(data[CLAIM], "".join(data.get("text/plain", "")), margin=margin)
    picture = figure(data, output.get("metadata", {}))
    if picture:
        return "figure", picture
    if "text/html" in data:
        return "table", "".join(data["text/html"])
    return "text", f"<pre>{html.escape(''.join(data.get('text/plain', '')))}</pre>"
