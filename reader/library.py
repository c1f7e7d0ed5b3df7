"""Documentation and notebooks as pages: Markdown and .ipynb files made HTML, with links that lead from page to page."""

import base64
import hashlib
import html
import json
import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

from reader.highlight import coloured

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build" / "site"  # where run.py puts the pages, and notebooks look for them
PICTURES = {"image/svg+xml": ".svg", "image/png": ".png"}
SHOWN = (*PICTURES, "text/html", "text/markdown", "text/plain")  # of several forms of an output the first


def _highlighted(code: str, language: str, _: str) -> str:
    return f"<pre><code>{coloured(code, language.replace('console', 'bash') or 'text')}</code></pre>"


MARKDOWN = MarkdownIt("commonmark", {"html": True, "highlight": _highlighted}).enable(["table", "strikethrough"])


@dataclass
class Document:
    """A page of text. images: the pictures that it shows, by their address."""

    address: str
    title: str
    body: str
    images: dict[str, bytes] = field(default_factory=dict)


def documents() -> list[Document]:
    """What stands in docs/ and notebooks/."""
    found = []
    for path in sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb")]):
        text = path.read_text(encoding="utf-8")
        body = notebook(text) if path.suffix == ".ipynb" else MARKDOWN.render(text)
        found.append(finished(Document(address_of(path), path.stem, body), path.parent))
    return found


def finished(page: Document, folder: Path = ROOT) -> Document:
    """The page with addresses for its headings, its links and pictures. folder: that of the text."""
    page.body = re.sub(
        r"<(h[1-4])>(.*?)</\1>", lambda tag: f'<{tag[1]} id="{slug(tag[2])}">{tag[2]}</{tag[1]}>', page.body
    )
    page.body = page.body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace(
        "</table>", "</table></div>"
    )
    page.body = re.sub(r'(<img [^>]*src=)"([^"]+)"', lambda tag: tag[1] + _picture(page, folder, tag[2]), page.body)
    page.body = re.sub(r'<a href="([^"#]+)(#[^"]*)?"', lambda tag: _link(page, folder, tag), page.body)
    if heading := re.search(r"<h1[^>]*>(.*?)</h1>", page.body):
        page.title = html.unescape(re.sub("<[^>]+>", "", heading[1]))
    return page


def _picture(page: Document, folder: Path, source: str) -> str:
    """The address of a picture in quotes, and its size, so that the text below it need not move when it is there; what the page
    carried inside itself becomes a file beside it."""
    inside = re.match(r"data:(image/[^;]+);base64,(.+)", source, re.DOTALL)
    if inside and inside[1] in PICTURES:
        content = base64.b64decode(inside[2])
        address = f"images/{hashlib.sha256(content).hexdigest()[:16]}{PICTURES[inside[1]]}"
    elif (path := (folder / source).resolve()).is_relative_to(ROOT) and path.is_file():
        content, address = path.read_bytes(), "images/" + path.relative_to(ROOT).as_posix().replace("/", "-")
    else:
        return f'"{source}"'
    page.images[address] = content
    size = ' width="{}" height="{}"'.format(*struct.unpack(">II", content[16:24])) if content[:4] == b"\x89PNG" else ""
    return f'"{_from(page, address)}"{size}'


def _link(page: Document, folder: Path, tag: re.Match) -> str:
    """A link to another page of the site leads there; one to a file that the site does not have says its path instead."""
    path = (folder / tag[1]).resolve()
    if path.is_relative_to(SITE):
        return f'<a href="{_from(page, path.relative_to(SITE).as_posix())}{tag[2] or ""}"'
    if "://" in tag[1] or not path.is_relative_to(ROOT) or not path.exists():
        return tag[0]
    address = address_of(path)
    return f'<a href="{_from(page, address)}{tag[2] or ""}"' if address else f'<a data-path="{tag[1]}"'


def _from(page: Document, address: str) -> str:
    return os.path.relpath(address, os.path.dirname(page.address) or ".").replace(os.sep, "/")


def address_of(path: Path) -> str:
    """Where the site shows a file of the project; "" if it does not."""
    parts = path.relative_to(ROOT)
    if parts.suffix in (".md", ".ipynb") and parts.parts[0] in ("docs", "notebooks") and path.exists():
        return parts.with_suffix(".html").as_posix()
    if parts.suffix == ".py" and parts.parts[0] in ("numpy_gpt", "torch_gpt") and not parts.name.startswith("__"):
        return f"{parts.stem}.html"
    return "index.html" if parts.as_posix() == "README.md" else ""


def slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", re.sub(r"<[^>]+>", "", text).lower()).strip("-")


def notebook(text: str) -> str:
    """An executed notebook: its text, code and outputs."""
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(MARKDOWN.render(source))
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(f'<pre class="cell"><code>{coloured(source)}</code></pre>')
            parts += map(_output, cell.get("outputs", []))
    return "\n".join(parts)


def _output(output: dict) -> str:
    forms = output.get("data", {"text/plain": output.get("text", "")})
    form = next((form for form in SHOWN if form in forms), "")
    text = "".join(forms.get(form, ""))
    if form in PICTURES:
        words = output.get("metadata", {}).get(form, {}).get("alt") or "A figure, described in the text around it"
        content = text if form == "image/png" else base64.b64encode(text.encode()).decode()
        return f'<img src="data:{form};base64,{content}" alt="{html.escape(words)}">'
    if form == "text/markdown":
        return MARKDOWN.render(text)
    if form == "text/html":
        return f'<div class="output wide" tabindex="0">{re.sub("<script.*?</script>", "", text, flags=re.DOTALL)}</div>'
    return f'<pre class="output">{html.escape(text)}</pre>' if text else ""
