"""prepare: a corpus as a token file."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tyro.conf import Positional


@dataclass(frozen=True)
class Prepare:
    """Encode text into a token file, which training then reads from the disk as it goes, however large it is."""

    text: Positional[str] = "stories"
    """A file, a folder of .txt files, or stories, marren, the-verdict, tiny-shakespeare."""
    tokenizer: str = "gpt2"
    """gpt2, stories (byte pairs of the stories that ship with the project), characters (theirs), a run's folder, a
    tokenizer's JSON file, or a folder with vocab.bpe and encoder.json."""
    out: Path = Path("tokens.bin")
    """The file to write."""
    force: bool = False
    """Replace the file if there is one."""

    def run(self, twin: ModuleType) -> None:
        from rich.filesize import decimal

        from shared_gpt.commands.output_files import check_free
        from shared_gpt.text.token_file import prepare
        from shared_gpt.text.tokenizer_files import find_tokenizer

        check_free(self.out, self.force)
        header = prepare(self.text, find_tokenizer(self.tokenizer), self.out)
        print(
            f"wrote {self.out}: {header.count:,} tokens of a vocabulary of {header.vocab_size:,}, "
            f"{header.dtype.itemsize} bytes each ({decimal(self.out.stat().st_size)})"
        )
