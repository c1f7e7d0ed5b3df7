"""Tokens to look at, and vocabularies to train."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Literal

from tyro.conf import Positional

from shared_gpt.files import written_beside
from shared_gpt.options import OpenPath
from shared_gpt.text.bpe.merge_tree import merge_tree
from shared_gpt.text.bpe.tokenizer import BytePairTokenizer
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.text.corpora import load_text, read_pieces, text_files
from shared_gpt.text.show import html_page, labels, summary, terminal_lines
from shared_gpt.text.simple import SimpleTokenizerV1, SimpleTokenizerV2, build_vocab
from shared_gpt.text.split import split
from shared_gpt.text.token_file import whole_words
from shared_gpt.text.tokenizer import Tokenizer, visible, well_formed, write_tokenizer
from shared_gpt.text.tokenizer_files import find_tokenizer


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} has no place: the folder {path.parent} does not exist; make it first.")


@contextmanager
def _writing(path: Path) -> Iterator[BinaryIO]:
    _check_folder(path)
    with written_beside(path) as file:
        yield file


@dataclass(frozen=True)
class Tokenize:
    """Show a text's tokens in colour, each over its id."""

    text: Positional[str]
    """The text; - reads it from standard input."""
    tokenizer: str = "gpt2"
    """gpt2, stories (byte pairs of the stories that ship with the project), characters (theirs), a run's folder, a
    tokenizer's JSON file, or a folder with vocab.bpe and encoder.json."""
    special: bool = False
    """Take <|endoftext|> in the text as the special token, not as ordinary text."""
    explain: bool = False
    """Show the merges of each word as well, one by one."""
    tree: OpenPath = None
    """Draw the merges of the text, one word, as a tree into this file (.png, .svg, .pdf)."""
    html: OpenPath = None
    """Write the tokens as a page into this file."""

    def run(self, twin: ModuleType) -> None:
        from rich.console import Console

        text = well_formed(sys.stdin.read() if self.text == "-" else self.text)
        if not text:
            raise ValueError("The text is empty; give at least one character.")
        tokenizer = find_tokenizer(self.tokenizer)
        if (self.explain or self.tree) and not isinstance(tokenizer, BytePairTokenizer):
            raise ValueError(f"{self.tokenizer} joins no pairs, so there is nothing to explain; take gpt2 or stories.")
        ids = tokenizer.encode(text, allowed_special="all" if self.special else frozenset())
        tokens, title = labels(tokenizer, ids), summary(tokenizer, text, ids)
        if self.tree:
            figure = merge_tree(tokenizer.explain(text))
            with _writing(self.tree) as file:
                figure.savefig(file, format=self.tree.suffix[1:] or "png", dpi=150)
        if self.html:
            with _writing(self.html) as file:
                file.write(html_page(tokens, title).encode("utf-8"))
        console = Console(highlight=False)
        for line in terminal_lines(tokens, console.width):
            console.print(line, overflow="fold")
        console.print(title, markup=False)
        if self.explain:
            for word in dict.fromkeys(split(text)):
                console.print(f"\n{tokenizer.explain(word)}", markup=False, soft_wrap=True)
        for path in filter(None, (self.tree, self.html)):
            console.print(f"wrote {path}", markup=False, soft_wrap=True)


@dataclass(frozen=True)
class TrainTokenizer:
    """Learn a vocabulary from text, and write it to a file that --tokenizer takes."""

    text: Positional[str] = "stories"
    """A file, a folder of .txt files, or stories, marren, the-verdict, tiny-shakespeare."""
    kind: Literal["byte-pair", "characters", "simple-v1", "simple-v2"] = "byte-pair"
    """Byte pairs as GPT-2 has them, single characters, or the words of SimpleTokenizerV1 and V2."""
    vocab_size: int = 2048
    """Tokens to learn, with the 256 bytes and <|endoftext|> among them (byte pairs only)."""
    min_frequency: int = 2
    """Join no pair that occurs less often (byte pairs only)."""
    out: Path = Path("tokenizer.json")
    """The file to write; for byte pairs, a name without .json is a folder for vocab.bpe and encoder.json."""

    def run(self, twin: ModuleType) -> None:
        if self.out.suffix != ".json" and self.kind != "byte-pair":
            raise ValueError(f"{self.out} does not end in .json; only byte pairs have another form than one JSON file.")
        _check_folder(self.out)
        start = time.perf_counter()
        tokenizer = self._train()
        seconds = time.perf_counter() - start
        tokenizer.save(self.out) if isinstance(tokenizer, BytePairTokenizer) else write_tokenizer(self.out, tokenizer)
        print(f"Learnt {tokenizer.n_vocab:,} tokens from {self.text} in {seconds:.1f} s; wrote {self.out}")
        if isinstance(tokenizer, BytePairTokenizer):
            if tokenizer.n_vocab < self.vocab_size:
                print(f"That is fewer than {self.vocab_size:,}: no further pair occurs {self.min_frequency} times.")
            longest = sorted(tokenizer.ids, key=len, reverse=True)[:6]
            print("The longest:", "  ".join(map(visible, longest)))

    def _train(self) -> Tokenizer:
        if self.kind == "byte-pair":
            return self._train_byte_pairs()
        text = load_text(self.text)
        if self.kind == "characters":
            return CharTokenizer(text, end_of_text=True)
        return (SimpleTokenizerV1 if self.kind == "simple-v1" else SimpleTokenizerV2)(build_vocab(text))

    def _train_byte_pairs(self) -> BytePairTokenizer:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        pieces: Iterator[str] = chain.from_iterable(whole_words(read_pieces(file)) for file in text_files(self.text))
        columns = TextColumn("merging pairs"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=max(0, self.vocab_size - 257))
            return BytePairTokenizer.train(
                pieces,
                self.vocab_size,
                min_frequency=self.min_frequency,
                on_merge=lambda done: bar.update(task, completed=done),
            )
