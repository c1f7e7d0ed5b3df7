"""pretrain: from a text to a model."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shared_gpt.commands.model_options import ModelOptions
from shared_gpt.options import OptionalText
from shared_gpt.training.settings import TrainSettings

if TYPE_CHECKING:
    from shared_gpt.config import GPTConfig
    from shared_gpt.training.corpus import Corpus
    from shared_gpt.training.run_folder import RunFolder


@dataclass(frozen=True)
class Pretrain:
    """Train a model on a text, from random weights."""

    text: OptionalText = None
    """A file, a folder of .txt files, a token file (prepare), or stories, marren, the-verdict, tiny-shakespeare; default:
    stories."""
    preset: OptionalText = None
    """classroom, gpt2-small (124M), gpt2-medium, gpt2-large or gpt2-xl; default: classroom."""
    tokenizer: OptionalText = None
    """bpe (byte pairs learnt from the text), characters (the text's own), gpt2, or a path; default: bpe for the classroom,
    gpt2 for GPT-2's sizes."""
    out: Path = Path("runs/pretrain")
    """Folder of the run."""
    resume: bool = False
    """Go on where the run in that folder stopped, with the options it began with, except those typed now."""
    tensorboard: bool = False
    """Write the metrics for TensorBoard as well (needs numpy-gpt[tensorboard])."""
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainSettings = field(default_factory=TrainSettings)

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.training.display import choose_display
        from shared_gpt.training.lifecycle import begin_or_resume, claimed, closing_message, resumed_options
        from shared_gpt.training.pretraining import Pretraining
        from shared_gpt.training.run_folder import RunFolder
        from shared_gpt.training.state import read_state, refuse_another

        folder, options = RunFolder(self.out), self
        if self.resume:
            kept = folder.read_json(folder.training)
            options = resumed_options(self, Pretrain(), {"text": kept["text"], "training": kept["settings"]})
        settings = options.training
        with claimed(twin, settings, folder, may_hold_a_run=self.resume) as processes:
            config, corpus, description = options.kept_run(folder) if self.resume else options.new_run()
            if self.resume and folder.last.is_file():
                refuse_another(read_state(folder.last), config, settings, corpus.identity)  # before a model is built
            run = Pretraining(twin, config, settings, *corpus, folder, choose_display(), processes)
            begin_or_resume(run, folder, self.resume, description)
            if self.tensorboard and processes.is_first:
                from shared_gpt.training.tensorboard import TensorBoard

                run.watchers.append(TensorBoard(folder.path, run.step))
            run.run()
            run.display.say(closing_message(run, folder, "pretrain", "generate"))

    def new_run(self) -> "tuple[GPTConfig, Corpus, dict[str, Any]]":
        """The sizes, the text, and the description of a run from the first step."""
        from shared_gpt.config import GPTConfig
        from shared_gpt.text.corpora import CORPORA
        from shared_gpt.training.corpus import load_corpus
        from shared_gpt.training.lifecycle import lasting_source

        preset, text = self.preset or "classroom", self.text or "stories"
        config = GPTConfig.preset(preset, **self.model.chosen())
        tokenizer = self.tokenizer or ("bpe" if preset == "classroom" else "gpt2")
        corpus = load_corpus(text, tokenizer, config.vocab_size)
        config = config.replace(vocab_size=corpus.tokenizer.n_vocab)
        return config, corpus, {"text": lasting_source(text, CORPORA), "tokenizer": tokenizer, "preset": preset}

    def kept_run(self, folder: "RunFolder") -> "tuple[GPTConfig, Corpus, dict[str, Any]]":
        """The same of the run in a folder: what the options leave out is as it was."""
        from shared_gpt.config import GPTConfig
        from shared_gpt.text import load_tokenizer
        from shared_gpt.text.corpora import CORPORA
        from shared_gpt.training.corpus import load_corpus, read_corpus
        from shared_gpt.training.lifecycle import lasting_source

        description = folder.read_json(folder.training) | {"text": lasting_source(self.text, CORPORA)}
        config = GPTConfig(**folder.read_json(folder.config))
        if self.preset:
            description["preset"] = self.preset
            config = GPTConfig.preset(self.preset, vocab_size=config.vocab_size)
        config = config.replace(**self.model.chosen())
        if self.tokenizer:
            description["tokenizer"] = self.tokenizer
            corpus = load_corpus(self.text, self.tokenizer, config.vocab_size)
            config = config.replace(vocab_size=corpus.tokenizer.n_vocab)
        else:
            corpus = read_corpus(self.text, load_tokenizer(folder.path))
        return config, corpus, description
