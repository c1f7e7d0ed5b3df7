"""Documentation and notebooks as pages: Markdown and .ipynb files made HTML, with links that lead from page to page."""

import base64
import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

from reader.highlight import coloured

ROOT = Path(__file__).parent.parent
SHOWN = (
    "image/svg+xml",
    "image/png",
    "text/html",
    "text/markdown",
    "text/plain",
)  # of several forms of an output the first


def _highlighted(code: str, language: str, _: str) -> str:
    known = {"py": "python", "python": "python", "bash": "bash", "sh": "bash", "console": "bash", "json": "json"}.get(
        language
    )
    return f"<pre><code>{coloured(code, known) if known else html.escape(code)}</code></pre>"


MARKDOWN = MarkdownIt("commonmark", {"html": True, "highlight": _highlighted}).enable(["table", "strikethrough"])


def markdown(text: str, folder: str) -> tuple[str, dict[str, bytes]]:
    """HTML, and the images that it shows by their address. folder: that of the text, from the root of the project.

    A link to another page of the site leads there; one to a file that the site does not have says its path instead.
    """
    images: dict[str, bytes] = {}
    body = MARKDOWN.render(text)
    body = re.sub(
        r"<(h[1-4])>(.*?)</\1>", lambda found: f'<{found[1]} id="{slug(found[2])}">{found[2]}</{found[1]}>', body
    )
    body = body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")

    def image(found: re.Match) -> str:
        path = _resolved(folder, found[2])
        if path is None or not path.is_file():
            return found[0]
        address = "images/" + path.relative_to(ROOT).as_posix().replace("/", "-")
        images[address] = path.read_bytes()
        return f'{found[1]}"{_up(folder)}{address}"'

    def link(found: re.Match) -> str:
        target, _, anchor = found[1].partition("#")
        path = _resolved(folder, target) if target and "://" not in target else None
        if path is None:
            return found[0]
        address = address_of(path)
        return (
            f'<a href="{_up(folder)}{address}{"#" + anchor if anchor else ""}"'
            if address
            else f'<a data-path="{target}"'
        )

    body = re.sub(r'(<img [^>]*src=)"([^"]+)"', image, body)
    return re.sub(r'<a href="([^"]+)"', link, body), images


def address_of(path: Path) -> str:
    """Where the site shows a file of the project; "" if it does not."""
    parts = path.relative_to(ROOT)
    if parts.suffix in (".md", ".ipynb") and parts.parts[0] in ("docs", "notebooks") and path.exists():
        return parts.with_suffix(".html").as_posix()
    if parts.suffix == ".py" and parts.parts[0] in ("numpy_gpt", "torch_gpt") and not parts.name.startswith("__"):
        return f"{parts.stem}.html"
    return "index.html" if parts.as_posix() == "README.md" else ""


def _resolved(folder: str, target: str) -> Path | None:
    path = (ROOT / folder / target).resolve()
    return path if path.is_relative_to(ROOT) and path.exists() else None


def _up(folder: str) -> str:
    return "../" * len(Path(folder).parts)


def slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", re.sub(r"<[^>]+>", "", text).lower()).strip("-")


def notebook(path: Path) -> tuple[str, dict[str, bytes]]:
    """An executed notebook: its text, code and outputs; pictures become files of their own."""
    folder = path.parent.relative_to(ROOT).as_posix()
    parts, images = [], {}
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            body, found = markdown(source, folder)
            parts.append(body)
            images |= found
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(f'<pre class="cell"><code>{coloured(source)}</code></pre>')
            for place, output in enumerate(cell.get("outputs", [])):
                parts.append(_output(output, f"images/{path.stem}-{number}-{place}", folder, images))
    return "\n".join(parts), images


def _output(output: dict, address: str, folder: str, images: dict[str, bytes]) -> str:
    if output["output_type"] == "stream":
        return f'<pre class="output">{html.escape("".join(output["text"]))}</pre>'
    forms = output.get("data", {})
    form = next((form for form in SHOWN if form in forms), "")
    text = "".join(forms.get(form, ""))
    if form in ("image/png", "image/svg+xml"):
        address += ".png" if form == "image/png" else ".svg"
        images[address] = base64.b64decode(text) if form == "image/png" else text.encode()
        words = output.get("metadata", {}).get(form, {}).get("alt") or "A figure, described in the text around it"
        return f'<img src="{_up(folder)}{address}" alt="{html.escape(words)}">'
    if form == "text/markdown":
        return markdown(text, folder)[0]
    if form == "text/html":
        return f'<div class="output wide" tabindex="0">{re.sub("<script.*?</script>", "", text, flags=re.DOTALL)}</div>'
    return f'<pre class="output">{html.escape(text)}</pre>' if text else ""


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
    for path in sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]):
        if path.suffix == ".ipynb":
            body, images = notebook(path)
        else:
            body, images = markdown(path.read_text(encoding="utf-8"), "docs")
        heading = re.search(r"<h1[^>]*>(.*?)</h1>", body)
        title = html.unescape(re.sub("<[^>]+>", "", heading[1])) if heading else path.stem
        found.append(Document(address_of(path), title, body, images))
    return found
