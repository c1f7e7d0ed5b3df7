"""train-tokenizer: a vocabulary learnt from a text."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

if TYPE_CHECKING:
    from shared_gpt.text import Tokenizer


@dataclass(frozen=True)
class TrainTokenizer:
    """Learn a vocabulary from text, and write it to a file that --tokenizer takes."""

    text: Positional[str] = "stories"
    """A file, a folder of .txt files, or stories, marren, the-verdict, tiny-shakespeare."""
    kind: Literal["byte-pair", "characters", "simple-v1", "simple-v2"] = "byte-pair"
    """Byte pairs as in GPT-2, single characters, or the words of SimpleTokenizerV1 and V2."""
    vocab_size: int = 2048
    """Number of tokens, the 256 bytes and <|endoftext|> included (byte pairs only)."""
    min_frequency: int = 2
    """Join only pairs that occur at least this often (byte pairs only)."""
    out: Path = Path("tokenizer.json")
    """The file to write; for byte pairs, a name without .json is a folder for vocab.bpe and encoder.json."""
    force: bool = False
    """Replace what is there under that name."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.commands.output_files import check_folder, check_free
        from shared_gpt.text import BytePairTokenizer
        from shared_gpt.text.tokenizer import visible, write_tokenizer

        if self.out.suffix != ".json" and self.kind != "byte-pair":
            raise ValueError(f"{self.out} does not end in .json; only byte pairs have another form than one JSON file.")
        if self.kind != "byte-pair":
            for name in ("vocab_size", "min_frequency"):
                if getattr(self, name) != getattr(TrainTokenizer, name):
                    raise ValueError(f"--{name.replace('_', '-')} is for byte pairs; leave it out for {self.kind}.")
        check_folder(self.out)
        check_free(self.out, self.force)
        start = time.perf_counter()
        tokenizer = self.trained_tokenizer()
        seconds = time.perf_counter() - start
        tokenizer.save(self.out) if isinstance(tokenizer, BytePairTokenizer) else write_tokenizer(self.out, tokenizer)
        print(f"Learnt {tokenizer.n_vocab:,} tokens from {self.text} in {seconds:.1f} s; wrote {self.out}")
        if isinstance(tokenizer, BytePairTokenizer):
            if tokenizer.n_vocab < self.vocab_size:
                print(f"That is fewer than {self.vocab_size:,}: no further pair occurs {self.min_frequency} times.")
            longest = sorted(tokenizer.ids, key=len, reverse=True)[:6]
            print("The longest:", "  ".join(map(visible, longest)))

    def trained_tokenizer(self) -> "Tokenizer":
        from itertools import chain

        from shared_gpt.text import (
            BytePairTokenizer,
            CharTokenizer,
            SimpleTokenizerV1,
            SimpleTokenizerV2,
            build_vocab,
            load_text,
        )
        from shared_gpt.text.corpora import read_pieces, text_files
        from shared_gpt.text.token_file import whole_words

        if self.kind == "byte-pair":
            pieces = chain.from_iterable(whole_words(read_pieces(file), "byte-pair") for file in text_files(self.text))
            with merge_progress(max(0, self.vocab_size - 257)) as on_merge:
                return BytePairTokenizer.train(
                    pieces, self.vocab_size, min_frequency=self.min_frequency, on_merge=on_merge
                )
        text = load_text(self.text)
        if self.kind == "characters":
            return CharTokenizer(text, end_of_text=True)
        return (SimpleTokenizerV1 if self.kind == "simple-v1" else SimpleTokenizerV2)(build_vocab(text))


@contextmanager
def merge_progress(n_merges: int) -> Iterator[Callable[[int], None]]:
    """A bar in the terminal; call what it yields with the number of merges done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("merging pairs"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=n_merges)
        yield lambda done: bar.update(task, completed=done)
