"""tokenize: a text's tokens to look at."""

import sys
from dataclasses import dataclass
from types import ModuleType

from tyro.conf import Positional

from shared_gpt.options import OptionalPath


@dataclass(frozen=True)
class Tokenize:
    """Show a text's tokens in colour, each over its id."""

    text: Positional[str]
    """The text; - reads it from standard input."""
    tokenizer: str = "gpt2"
    """gpt2, stories (byte pairs of the stories that ship with the project), characters (theirs), a run's folder, a
    tokenizer's JSON file, or a folder with vocab.bpe and encoder.json."""
    special: bool = False
    """Read <|endoftext|> in the text as the special token, not as ordinary text."""
    explain: bool = False
    """Show the merges of each word as well, one by one."""
    tree: OptionalPath = None
    """Draw the merges of the text, one word, as a tree into this file (.png, .svg, .pdf)."""
    html: OptionalPath = None
    """Write the tokens as a page into this file."""

    def run(self, twin: ModuleType) -> None:
        from rich.console import Console

        from shared_gpt.commands.output_files import check_folder, check_picture
        from shared_gpt.files import written_beside
        from shared_gpt.text import BytePairTokenizer, find_tokenizer, merge_tree
        from shared_gpt.text.show import html_page, labels, summary, terminal_lines
        from shared_gpt.text.split import split
        from shared_gpt.text.tokenizer import well_formed

        text = well_formed(sys.stdin.read() if self.text == "-" else self.text)
        if not text:
            raise ValueError("The text is empty; give at least one character.")
        check_picture(self.tree, suffixes=(".png", ".svg", ".pdf"))
        check_folder(self.html)
        tokenizer = find_tokenizer(self.tokenizer)
        if (self.explain or self.tree) and not isinstance(tokenizer, BytePairTokenizer):
            raise ValueError(f"{self.tokenizer} joins no pairs, so there is nothing to explain; take gpt2 or stories.")
        ids = tokenizer.encode(text, allowed_special="all" if self.special else frozenset())
        tokens, title = labels(tokenizer, ids), summary(tokenizer, text, ids)
        if self.tree:
            figure = merge_tree(tokenizer.explain(text))
            with written_beside(self.tree) as file:
                figure.savefig(file, format=self.tree.suffix[1:].lower(), dpi=150)
        if self.html:
            with written_beside(self.html) as file:
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
