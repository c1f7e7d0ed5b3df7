"""Where text comes from: a file, a folder of files, or a name. It is always UTF-8, read in pieces or as a whole."""

import codecs
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shared_gpt.files import expanded, naming
from shared_gpt.text.tokenizer import END_OF_TEXT

SHIPPED = Path(__file__).parent / "data"


class Download(NamedTuple):
    """A file that does not ship with the project: its name, checksum and addresses."""

    file: str
    sha256: str
    urls: tuple[str, ...]


CORPORA: dict[str, Path | Download] = {
    "stories": SHIPPED / "marren" / "stories.txt",
    "marren": SHIPPED / "marren",  # the stories and the textbook
    "the-verdict": Download(
        "the-verdict.txt",
        "b41e41a68f0398a3154ae69e2e4c0e2694e17fe0d66730536837f1b01935b31f",
        (
            "https://raw.githubusercontent.com/rasbt/LLMs-from-scratch/main/ch02/01_main-chapter-code/the-verdict.txt",
            "https://github.com/rasbt/LLMs-from-scratch/raw/main/ch02/01_main-chapter-code/the-verdict.txt",
        ),
    ),
    "tiny-shakespeare": Download(
        "tinyshakespeare.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        (
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            "https://github.com/karpathy/char-rnn/raw/master/data/tinyshakespeare/input.txt",
        ),
    ),
}


def source_path(source: str | os.PathLike, named: dict[str, Path | Download] = CORPORA) -> Path:
    """The path that `source` stands for. A name comes before a path; for a file of the same name write ./name."""
    entry = named.get(source) if isinstance(source, str) else None
    if isinstance(entry, Download):
        from shared_gpt.downloads import cache_folder, fetch

        return fetch(entry.file, entry.urls, entry.sha256, cache_folder())
    path = entry or expanded(source)
    if source == "" or not path.exists():
        raise FileNotFoundError(f"{str(source)!r} is no file, no folder and no name; the names are {', '.join(named)}.")
    if not path.is_file() and not path.is_dir():  # texts are read twice; a pipe has no second time, a device no end
        raise ValueError(f"{path} is neither a file nor a folder; save what it gives in a file, and name that.")
    return path


def read_pieces(path: str | os.PathLike, piece_bytes: int = 1 << 20) -> Iterator[str]:
    """The text of one UTF-8 file, piece by piece, about `piece_bytes` at a time.

    A byte order mark is dropped and every line ends with a plain newline, whatever system wrote the file.
    Raises ValueError that names the file and the offset of the first byte that is not UTF-8.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")()
    newlines = io.IncrementalNewlineDecoder(decoder=None, translate=True)
    with naming(path), open(path, "rb") as file:
        start, begun, final = 0, False, False
        while not final:
            piece = file.read(piece_bytes)
            final = not piece
            held_back = len(utf8.getstate()[0])
            try:
                text = utf8.decode(piece, final)
            except UnicodeDecodeError as error:
                offset = start - held_back + error.start
                raise ValueError(
                    f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} at offset {offset} ({error.reason}); "
                    "save it as UTF-8, or take a text file."
                ) from None
            start += len(piece)
            if text and not begun:
                text, begun = text.removeprefix("\ufeff"), True
            if text := newlines.decode(text, final):
                yield text


def read_text(path: str | os.PathLike) -> str:
    """The whole text of one UTF-8 file, as `read_pieces` reads it. ValueError if there is none."""
    text = "".join(read_pieces(path))
    if not text.strip():
        raise ValueError(f"{path} holds no text; give a file with some.")
    return text


def text_files(source: str | os.PathLike) -> list[Path]:
    """The files of a source of `load_text`, in their order; of a folder's, the empty and the hidden are left out."""
    path = source_path(source)
    if not path.is_dir():
        return [path]
    files = [
        file
        for file in sorted(path.rglob("*"), key=lambda file: file.relative_to(path).parts)
        if file.suffix.lower() == ".txt" and not file.name.startswith(".") and file.is_file() and file.stat().st_size
    ]
    if not files:
        raise FileNotFoundError(f"{path} holds no .txt file with text, at any depth; give a folder that does.")
    return files


def load_text(source: str | os.PathLike, separator: str = END_OF_TEXT) -> str:
    """The text of a file, of a folder, or of a name in CORPORA (downloaded once, then kept: see downloads.py).

    A folder stands for every .txt file in it, at any depth, sorted by path, with `separator` between them: the end token,
    from which a model learns where a document stops (as in GPT-2's training data; encode with allowed_special).
    """
    text = separator.join("".join(read_pieces(file)) for file in text_files(source))
    if not text.replace(separator, "").strip():
        raise ValueError(f"{str(source)!r} holds no text; give a file or folder with some.")
    return text
