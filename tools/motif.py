"""The drawing on a deck's title slide and on the site: a chain of cells for the recurrent lectures, an hourglass after."""


def _line(x1, y1, x2, y2, width=1.2, opacity=0.45):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
            f'stroke-width="{width}" stroke-opacity="{opacity}"/>')  # fmt: skip


def _dot(x, y, radius, colour="currentColor"):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def _chain(steps=6):
    xs = [40 + 88 * t for t in range(steps)]
    lines = [_line(a, 120, b, 120, 3, 0.9) for a, b in zip(xs, xs[1:])]
    lines += [_line(x, 190, x, 120, 2, 0.6) + _line(x, 120, x, 50, 2, 0.6) for x in xs]
    dots = [_dot(x, 190, 9, "#0072B2") + _dot(x, 120, 16, "#D55E00") + _dot(x, 50, 9, "#009E73") for x in xs]
    return lines + dots


def _hourglass(layers=(9, 6, 3, 6, 9)):
    columns = []
    for j, n in enumerate(layers):
        x = 40 + 110 * j
        columns.append([(x, 120 + 24 * (i - (n - 1) / 2)) for i in range(n)])
    lines = [_line(*a, *b) for left, right in zip(columns, columns[1:]) for a in left for b in right]
    colours = ("#0072B2", "#56B4E9", "#D55E00", "#56B4E9", "#009E73")
    return lines + [_dot(x, y, 8, colour) for column, colour in zip(columns, colours) for x, y in column]


def motif(lecture):
    """An SVG drawing for a lecture's number; decoration, hidden from screen readers."""
    drawing = _chain() if lecture <= 3 else _hourglass()
    return f'<svg class="motif" viewBox="0 0 520 240" aria-hidden="true">{"".join(drawing)}</svg>'
