"""What the notebooks show with: figures with a caption and a description, tables, and the packages' own source.

Figures stand on a white card, so that they read in dark mode too; their colours differ in brightness, so that they read in grey.
"""

import ast
import base64
import html
import importlib
import inspect
import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared_gpt.plots.figure import COLOURS, GRID, INK, new_figure

__all__ = ["COLOURS", "GRID", "INK", "code", "figure", "heat", "new_figure", "side_by_side", "source", "table", "twins"]

CARD = "margin:0.6em 0 1em;padding:12px 14px 8px;background:#ffffff;color:#333333;border-radius:8px;max-width:900px"
LISTING = "margin:0;font-family:monospace;font-size:0.82em;line-height:1.45;background:none;white-space:pre"
QUIET = "#767676"  # 4.5 : 1 on white and 4.2 : 1 on near-black


def figure(drawn: Any, caption: str, alt: str) -> None:
    """Show a figure of `new_figure`. The caption says what to see in it, alt what a reader who cannot see it misses."""
    file = io.BytesIO()
    drawn.savefig(file, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    data = base64.b64encode(file.getvalue()).decode("ascii")
    width = round(drawn.get_size_inches()[0] * 100)
    _display(
        f'<figure style="{CARD}"><img style="width:{width}px;max-width:100%;height:auto;background:#ffffff" '
        f'src="data:image/png;base64,{data}" alt="{html.escape(alt, quote=True)}">'
        f'<figcaption style="font-size:0.92em;line-height:1.4;padding-top:6px;color:#333333">{_text(caption)}</figcaption>'
        "</figure>",
        f"[Figure: {alt}]\n{caption}",
    )


def heat(
    axis: Any,
    matrix: Any,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    digits: int | None = None,
    **style: Any,
):
    """A matrix as coloured squares, dark is large; with `digits`, the numbers in them."""
    style = {"cmap": "magma_r", "interpolation": "nearest", "aspect": "auto"} | style
    axis.grid(False)
    image = axis.imshow(matrix, **style)
    axis.set_xticks(
        range(len(columns)), columns, rotation=90 if max(map(len, columns), default=0) > 3 else 0, fontsize=8
    )
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    axis.tick_params(length=0)
    for label in (*axis.get_xticklabels(), *axis.get_yticklabels()):
        label.set_parse_math(False)
    if digits is not None:
        for (i, j), value in _numbers(matrix):
            dark = sum(image.cmap(image.norm(value))[:3]) < 1.5
            axis.text(
                j, i, f"{value:.{digits}f}", ha="center", va="center", fontsize=8, color="white" if dark else "black"
            )
    return image


def table(rows: Iterable[Sequence[Any]], header: Sequence[str], caption: str = "") -> None:
    """Rows under a header; numbers to the right, text to the left."""
    rows = [list(row) for row in rows]
    right = [all(not isinstance(row[i], str) or _numeric(row[i]) for row in rows) for i in range(len(header))]
    cells = [[_text(f"{value:,}" if isinstance(value, int) else str(value)) for value in row] for row in rows]
    align = ["right" if number else "left" for number in right]
    head = "".join(f'<th scope="col" style="text-align:{side}">{_text(name)}</th>' for name, side in zip(header, align))
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:{side}">{cell}</td>' for cell, side in zip(row, align)) + "</tr>"
        for row in cells
    )
    above = (
        f'<caption style="caption-side:top;text-align:left;white-space:nowrap;padding-bottom:4px">{_text(caption)}</caption>'
        if caption
        else ""
    )
    plain = "\n".join("  ".join(map(str, row)) for row in [list(header), *rows])
    _display(
        f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", f"{caption}\n{plain}".strip()
    )


def source(subject: Any, docstring: bool = False) -> str:
    """The source of a function, method or class, as it stands in its file; its docstring only where it is asked for."""
    lines = textwrap.dedent(inspect.getsource(subject)).splitlines()
    if not docstring:
        lines = _without_docstrings(lines)
    return "\n".join(lines).strip("\n")


def code(subject: Any, docstring: bool = False) -> None:
    """Show the source of one thing."""
    side_by_side({_place(subject): subject}, docstring)


def twins(name: str, docstring: bool = False) -> None:
    """Show both twins' source of `room.Name` or `room.Class.method`, NumPy's on the left."""
    side_by_side({f"{package}.{name}": _find(package, name) for package in ("numpy_gpt", "torch_gpt")}, docstring)


def side_by_side(subjects: Mapping[str, Any], docstring: bool = False) -> None:
    """Show sources in columns: of functions, methods and classes, or code given as text."""
    texts = {title: value if isinstance(value, str) else source(value, docstring) for title, value in subjects.items()}
    column = "flex:1 1 24em;min-width:0;overflow-x:auto;border-left:3px solid #0072b2;padding:0 0 4px 10px"
    columns = "".join(
        f'<div style="{column}"><div style="font-family:monospace;font-size:0.85em;opacity:0.8">{html.escape(title)}</div>'
        f'<pre style="{LISTING}">{_coloured(text)}</pre></div>'
        for title, text in texts.items()
    )
    plain = "\n\n".join(f"{title}\n{text}" for title, text in texts.items())
    _display(f'<div style="display:flex;flex-wrap:wrap;gap:18px;margin:0.6em 0 1em">{columns}</div>', plain)


def _display(rich: str, plain: str) -> None:
    from IPython.display import display

    display({"text/html": rich, "text/plain": plain}, raw=True)


def _text(words: str) -> str:
    """Escaped, with `code` set as code."""
    parts = html.escape(words, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _numeric(word: str) -> bool:
    return word.strip("+-−–~ ")[:1].isdigit() or word in ("", "–", "-")


def _numbers(matrix: Any):
    import numpy as np

    return ((place, float(value)) for place, value in np.ndenumerate(np.asarray(matrix)) if np.isfinite(value))


def _find(package: str, name: str) -> Any:
    room, *names = name.split(".")
    subject = importlib.import_module(f"{package}.{room}")
    for part in names:
        subject = getattr(subject, part)
    return subject


def _place(subject: Any) -> str:
    return f"{subject.__module__}.{subject.__qualname__}"


def _without_docstrings(lines: list[str]) -> list[str]:
    gone: set[int] = set()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if (
            isinstance(node, (ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
            and len(node.body) > 1
        ):
            first = node.body[0]
            gone |= set(range(first.lineno - 1, first.end_lineno))
            after = first.end_lineno
            if after < len(lines) and not lines[after].strip():
                gone.add(after)
    return [line for i, line in enumerate(lines) if i not in gone]


def _coloured(text: str) -> str:
    """Python as HTML that reads on white and on black: keywords and names bold, comments and strings quiet."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer
    from pygments.style import Style
    from pygments.token import Comment, Keyword, Name, String

    class BothModes(Style):
        styles = {Comment: QUIET, String.Doc: QUIET, Keyword: "bold", Name.Function: "bold", Name.Class: "bold"}

    return highlight(text, PythonLexer(), HtmlFormatter(noclasses=True, nowrap=True, style=BothModes)).rstrip()
