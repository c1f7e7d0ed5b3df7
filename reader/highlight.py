"""Python source as HTML, line by line, and other text as HTML in the same colours."""

import html
import re
from functools import cache
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

PLAIN = re.compile(r'<span class="(?:n|p|w|o|nn|bp|nb|kn|kc|mi|mf|si|sa|err)">([^<]*)</span>')  # no colour of their own


def coloured(source: str, language: str = "python") -> str:
    """The source as spans without a frame around them; the colours are in reader.css."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return PLAIN.sub(lambda found: found[1], highlight(source, lexer, HtmlFormatter(nowrap=True)))


@cache
def coloured_lines(file: Path) -> list[str]:
    """Each line of a Python file; line 1 is the first."""
    return coloured(file.read_text(encoding="utf-8")).split("\n")


def source_lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def code_words(text: str) -> str:
    """One line of prose, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
