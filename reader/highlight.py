"""Source as HTML, line by line."""

import re
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

PLAIN = re.compile(r'<span class="(?:n|p|w|o|nn|bp|nb|kn|kc|mi|mf|si|sa|err)">([^<]*)</span>')  # no colour of their own


def coloured(source: str, language: str = "python") -> str:
    """The source as spans without a frame around them; the colours are in reader.css."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return PLAIN.sub(r"\1", highlight(source, lexer, HtmlFormatter(nowrap=True)))


def coloured_lines(file: Path) -> list[str]:
    """Each line of a Python file; none where there is no file."""
    return coloured(file.read_text(encoding="utf-8")).split("\n") if file.exists() else []
