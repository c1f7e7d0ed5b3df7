"""Token files: a corpus as ids on disk, written piece by piece and read memory-mapped.

64 bytes of header (magic, version, bytes per id, count, vocabulary size, the tokenizer's fingerprint; little-endian),
then the ids, uint16 where the vocabulary allows it, else uint32.
"""

import hashlib
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from shared_gpt.array_types import Integer
from shared_gpt.checks.tokens import check_range
from shared_gpt.files import written_beside
from shared_gpt.text.corpora import read_pieces, source_path, text_files
from shared_gpt.text.tokenizer import END_OF_TEXT, Tokenizer

MAGIC = b"GPTTOKEN"
VERSION = 1
LAYOUT = struct.Struct("<8sIIQQ32s")
PIECE_BYTES = 1 << 20  # of text, encoded at a time
SAFE_CUT = re.compile(r".*\S(?=[ \n\t])", re.DOTALL)
MOST_HELD = 2_000_000  # characters without a place to cut; the merges of one such word take 130 bytes for each
# More places, for texts with little white space: in GPT-2's pattern a letter or digit ends its token before a mark that is in
# no contraction and no special token; a character is a token wherever it stands, but for those of <|endoftext|>.
_LETTERS, _MARKS = "A-Za-z0-9ぁ-ゖァ-ヺ一-鿿가-힣", r",.;:!?)\"。，、；：？！」』）"
FINER_CUTS = {
    "byte-pair": re.compile(rf".*[{_LETTERS}](?=[{_MARKS}])", re.DOTALL),
    "gpt2": re.compile(rf".*[{_LETTERS}](?=[{_MARKS}])", re.DOTALL),
    "characters": re.compile(rf".*[^<]{{{len(END_OF_TEXT)}}}", re.DOTALL),
}


class TokenHeader(NamedTuple):
    """What a token file says about itself."""

    dtype: np.dtype
    count: int
    vocab_size: int
    fingerprint: bytes


def tokenizer_fingerprint(tokenizer: Tokenizer) -> bytes:
    """A hash, 32 bytes, that is the same for two tokenizers in which every id stands for the same bytes, whatever their class."""
    digest = hashlib.sha256(f"{tokenizer.n_vocab} {tokenizer.eot}".encode("ascii"))
    for i in range(tokenizer.n_vocab):
        try:
            token = tokenizer.decode_bytes([i])
        except (KeyError, ValueError):  # an id without a token
            token = b""
        digest.update(len(token).to_bytes(4, "little") + token)
    return digest.digest()


def id_dtype(tokenizer: Tokenizer) -> np.dtype:
    """The narrower of uint16 and uint32 that holds every id."""
    return np.dtype("<u2" if tokenizer.n_vocab <= 1 << 16 else "<u4")


def whole_words(pieces: Iterable[str], kind: str = "") -> Iterator[str]:
    """The same text in other pieces, cut only where every tokenizer here begins a token, whatever stands before and after; or,
    where there is no such place, where a tokenizer of this kind does.

    Those places lie between a character that is not white space and a space, newline or tab. In GPT-2's pattern white
    space may begin a word but never ends one, and only white space looks ahead; so the ids of the pieces, joined, are the
    ids of the whole text. A stretch without a place to cut is held in memory until it ends. Raises ValueError for one of
    millions of characters.
    """
    held: list[str] = []
    cuts = [SAFE_CUT, *([FINER_CUTS[kind]] if kind in FINER_CUTS else [])]
    for piece in filter(None, pieces):
        # A cut may fall between two pieces, so the search begins with the last character of the one before.
        edge = held[-1][-1] if held else ""
        if cut := next(filter(None, (pattern.match(edge + piece) for pattern in cuts)), None):
            end = cut.end() - len(edge)
            yield "".join([*held, piece[:end]])
            held = [piece[end:]] if piece[end:] else []
        else:
            held.append(piece)
        if sum(map(len, held)) > MOST_HELD:
            raise ValueError(
                f"More than {MOST_HELD:,} characters stand without a space or a line end between them ({held[0][:20]!a}…), too "
                "many for one word; put line ends between them, or take --tokenizer characters."
            )
    if text := "".join(held):
        yield text


def encoded(
    source: str | os.PathLike, tokenizer: Tokenizer, report: Callable[[int], None] = lambda n: None
) -> Iterator[Integer[np.ndarray, " N"]]:
    """The ids of a source of `load_text`, about a megabyte of text at a time; `report` is called with each number of bytes done.

    Joined, they are `tokenizer.encode(load_text(source), allowed_special={"<|endoftext|>"})`. For a tokenizer without an
    end token an empty line separates the files of a folder. ValueError for text that is empty or not UTF-8.
    """
    separator, special = (END_OF_TEXT, {END_OF_TEXT}) if tokenizer.eot is not None else ("\n\n", set())
    any_text = False
    for text in _naming(source, whole_words(_joined(text_files(source), separator, report), tokenizer.kind)):
        any_text = any_text or bool(text.replace(separator, "").strip())
        ids = np.array(tokenizer.encode(text, allowed_special=special), dtype=np.int64)
        if len(ids):
            check_range("The tokenizer's ids", int(ids.min()), int(ids.max()), tokenizer.n_vocab)
        yield ids
    if not any_text:
        raise ValueError(f"{str(source)!r} holds no text; give a file or folder with some.")


def _naming(source: str | os.PathLike, texts: Iterator[str]) -> Iterator[str]:
    """The texts; an error that they raise begins with their source, unless it names it already."""
    try:
        yield from texts
    except ValueError as error:
        raise error if str(source) in str(error) else ValueError(f"{source}: {error}") from None


def prepare(
    source: str | os.PathLike, tokenizer: Tokenizer, out: str | os.PathLike, progress: bool = True
) -> TokenHeader:
    """Encode a source of `load_text` into the token file `out`, at flat memory however long the text is.

    The file appears under its name when it is whole, or not at all. Raises what `encoded` raises, and OSError where
    the file cannot be written.
    """
    files, out = text_files(source), Path(out)
    if out.is_dir() or not out.parent.is_dir():
        raise FileNotFoundError(f"{out} cannot be a token file; give a file's name in a folder that exists.")
    if out.exists() and any(out.samefile(file) for file in files):
        raise ValueError(f"{out} is the text itself; give the token file another name.")
    dtype, count = id_dtype(tokenizer), 0
    with written_beside(out) as file, _encoding_bar(files, enabled=progress) as report:
        file.write(bytes(LAYOUT.size))
        for ids in encoded(source, tokenizer, report):
            file.write(ids.astype(dtype).tobytes())
            count += len(ids)
        header = TokenHeader(dtype, count, tokenizer.n_vocab, tokenizer_fingerprint(tokenizer))
        file.seek(0)
        file.write(LAYOUT.pack(MAGIC, VERSION, dtype.itemsize, count, header.vocab_size, header.fingerprint))
    return header


def read_header(path: str | os.PathLike) -> TokenHeader:
    """What a token file says about itself. ValueError if it is of another kind or version, or cut short."""
    with open(path, "rb") as file:
        raw, size = file.read(LAYOUT.size), os.fstat(file.fileno()).st_size
    if not raw.startswith(MAGIC):
        raise ValueError(f"{path} is no token file (it begins with {raw[:8]!r}); make one with numpy-gpt prepare.")
    if len(raw) < LAYOUT.size:
        raise ValueError(f"{path} is cut short: {size} bytes hold no header of {LAYOUT.size}; prepare it again.")
    _, version, itemsize, count, vocab_size, mark = LAYOUT.unpack(raw)
    if version != VERSION or itemsize not in (2, 4):
        raise ValueError(
            f"{path} is of version {version} with {itemsize} bytes per id; this program reads version {VERSION} with "
            "2 or 4, so prepare it again."
        )
    if (expected := LAYOUT.size + count * itemsize) != size:
        raise ValueError(
            f"{path} has {size} bytes where its header of {count} ids promises {expected}; prepare it again."
        )
    return TokenHeader(np.dtype(f"<u{itemsize}"), count, vocab_size, mark)


def open_tokens(path: str | os.PathLike, tokenizer: Tokenizer | None = None) -> Integer[np.ndarray, " N"]:
    """The ids of a token file as a read-only array on disk, of which only the part that is used is read.

    Given a `tokenizer`, a file that another one wrote is refused (ValueError).
    """
    header = read_header(path)
    if tokenizer is not None and header.fingerprint != tokenizer_fingerprint(tokenizer):
        raise ValueError(
            f"{path} was prepared with another tokenizer ({header.vocab_size} tokens; this one has "
            f"{tokenizer.n_vocab}); prepare it again with this one."
        )
    return np.memmap(path, dtype=header.dtype, mode="r", offset=LAYOUT.size, shape=(header.count,))


def load_tokens(source: str | os.PathLike, tokenizer: Tokenizer) -> Integer[np.ndarray, " N"]:
    """The ids of a token file, memory-mapped, or of any source of `load_text`, encoded now."""
    path = source_path(source)
    if path.is_file():
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                return open_tokens(path, tokenizer)
    return np.concatenate([ids.astype(id_dtype(tokenizer)) for ids in encoded(source, tokenizer)])


def _joined(files: list[Path], separator: str, report: Callable[[int], None]) -> Iterator[str]:
    for number, path in enumerate(files):
        if number:
            yield separator
        for piece in read_pieces(path, PIECE_BYTES):
            yield piece
            report(len(piece.encode("utf-8")))


@contextmanager
def _encoding_bar(files: list[Path], enabled: bool) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    total = sum(file.stat().st_size for file in files)
    columns = TextColumn("encoding"), BarColumn(bar_width=30), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not enabled) as bar:
        task = bar.add_task("", total=total)
        yield lambda n: bar.advance(task, n)
        bar.update(task, completed=total)  # the count falls short where line endings became shorter
