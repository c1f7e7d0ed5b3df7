"""convert: the same weights for another program."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from shared_gpt.options import OptionalInt

if TYPE_CHECKING:
    from shared_gpt.text import Tokenizer


@dataclass(frozen=True)
class Convert:
    """Write a model in another layout, with its tokenizer: for transformers, OpenAI's own program, or the book's code."""

    source: Positional[str]
    """A folder, a file, marren or marren-chat, or gpt2, gpt2-medium, gpt2-large, gpt2-xl."""
    out: Positional[Path]
    """The folder to write."""
    layout: Literal["huggingface", "openai", "book"] = "huggingface"
    """config.json and model.safetensors; hparams.json and model.ckpt; or model.pth."""
    dtype: Literal["same", "float16", "float32", "float64"] = "same"
    """Type of the numbers in the file; same: as in the source."""
    n_heads: OptionalInt = None
    """Attention heads in each block, for a source that does not say."""
    force: bool = False
    """Replace the model in that folder, if there is one."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.checkpoints.convert import convert
        from shared_gpt.checkpoints.source import open_checkpoint
        from shared_gpt.commands.loading import folder_of, tokenizer_in
        from shared_gpt.commands.output_files import check_free
        from shared_gpt.files import written_beside
        from shared_gpt.text.bpe.files import GPT2_NAMES, HUGGING_FACE_NAMES
        from shared_gpt.text.bpe.huggingface import FAST_CONFIG
        from shared_gpt.text.tokenizer_files import FILE
        from shared_gpt.training.run_folder import TASK

        check_free(self.out, self.force)
        with open_checkpoint(self.source, self.n_heads) as checkpoint:
            path, context_length = checkpoint.path, checkpoint.config.context_length
        tokenizer, note = None, ""
        try:
            tokenizer = tokenizer_in(path.parent)
        except (ValueError, OSError) as error:  # the weights are of use without it
            note = f"\nno tokenizer was written: {error}"
        convert(self.source, self.out, self.layout, None if self.dtype == "same" else self.dtype, self.n_heads)
        if self.force:  # what is replaced leaves no tokenizer behind
            for name in (FILE, FAST_CONFIG, TASK, *GPT2_NAMES, *HUGGING_FACE_NAMES):
                (self.out / name).unlink(missing_ok=True)
        if tokenizer:
            self.write_tokenizer(tokenizer, context_length)
        if (task := folder_of(self.source, path) / TASK).is_file():
            with written_beside(self.out / TASK) as file:
                file.write(task.read_bytes())
        names = sorted(found.name for found in self.out.iterdir() if found.is_file() and not found.name.startswith("."))
        print(f"wrote {self.out}: {', '.join(names)}{note}")

    def write_tokenizer(self, tokenizer: "Tokenizer", context_length: int) -> None:
        """The tokenizer in the layout's own files. One that joins no byte pairs has only this project's form."""
        from shared_gpt.text import BytePairTokenizer, save_tokenizer
        from shared_gpt.text.bpe.files import GPT2_NAMES, HUGGING_FACE_NAMES, write_gpt2
        from shared_gpt.text.bpe.huggingface import write_fast_tokenizer

        if not isinstance(tokenizer, BytePairTokenizer):
            save_tokenizer(tokenizer, self.out)
        elif self.layout == "openai":
            write_gpt2(self.out, tokenizer.vocabulary, GPT2_NAMES)
        else:
            write_gpt2(self.out, tokenizer.vocabulary, HUGGING_FACE_NAMES)
            write_fast_tokenizer(self.out, tokenizer, context_length)
