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

    # the weights that a run begins with, if not with random ones; the sizes; the text; what training.json says
    Start = tuple[dict[str, Any] | None, GPTConfig, Corpus, dict[str, Any]]


@dataclass(frozen=True)
class Pretrain:
    """Train a model on a text: from random weights, or from weights that are there."""

    text: OptionalText = None
    """A file, a folder of .txt files, a token file (prepare), or stories, marren, the-verdict, tiny-shakespeare; default:
    stories."""
    preset: OptionalText = None
    """classroom, gpt2-small (124M), gpt2-medium, gpt2-large or gpt2-xl; default: classroom."""
    tokenizer: OptionalText = None
    """bpe (byte pairs learnt from the text), characters (the text's own), gpt2, or a path; default: bpe for the classroom,
    gpt2 for GPT-2's sizes."""
    weights: OptionalText = None
    """Weights to begin with, instead of random ones: a run's folder, a folder or file with GPT-2's weights, or gpt2,
    gpt2-medium, gpt2-large, gpt2-xl. They bring their sizes and their tokenizer."""
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
            kept = folder.read_training("pretrain", text=str)
            changes = {"text": kept["text"], "training": kept["settings"]}
            options = resumed_options(self, Pretrain(), changes, folder.training)
        options.refuse_contradictions()
        settings = options.training
        with claimed(twin, settings, folder, may_hold_a_run=self.resume) as processes:
            if self.resume:
                weights, config, corpus, description = options.kept_run(twin, folder)
            elif self.weights:
                weights, config, corpus, description = options.run_from_weights(twin)
            else:
                weights, config, corpus, description = options.new_run()
            if self.resume and folder.checkpoints():  # before a model is built
                state = read_state(folder.checkpoints())
                refuse_another(folder.last, state, config, settings, corpus.identity)
            run = Pretraining(twin, config, settings, *corpus, folder, choose_display(), processes, weights)
            del weights  # copied into the run's model
            begin_or_resume(run, folder, self.resume, description)
            if self.tensorboard and processes.is_first:
                from shared_gpt.training.tensorboard import TensorBoard

                run.watchers.append(TensorBoard(folder.path, run.step))
            run.run()
            run.display.say(closing_message(run, folder, "pretrain", "generate"))

    def refuse_contradictions(self) -> None:
        """Raises ValueError for options of which one makes another meaningless."""
        if self.weights and self.resume:
            raise ValueError("A resumed run has its own weights; leave out --weights, or begin a run in another --out.")
        if self.weights:
            typed = ["--preset"] if self.preset else []
            typed += [f"--{name.replace('_', '-')}" for name in self.model.chosen() if name != "drop_rate"]
            typed += ["--initial-weights"] if self.training.initial_weights != "gpt2" else []
            typed += [f"--tokenizer {self.tokenizer}"] if self.tokenizer in ("bpe", "characters") else []
            if typed:
                raise ValueError(f"--weights brings its sizes and its tokens with it; leave out {', '.join(typed)}.")

    def new_run(self) -> "Start":
        """A run from the first step, from random weights."""
        from shared_gpt.config import GPTConfig
        from shared_gpt.text.corpora import CORPORA
        from shared_gpt.training.corpus import load_corpus
        from shared_gpt.training.lifecycle import lasting_source

        preset, text = self.preset or "classroom", self.text or "stories"
        config = GPTConfig.preset(preset, **self.model.chosen())
        tokenizer = self.tokenizer or ("bpe" if preset == "classroom" else "gpt2")
        if tokenizer != "bpe" and self.model.vocab_size is not None:
            raise ValueError(
                f"--vocab-size is {self.model.vocab_size}, but the tokenizer {tokenizer} has a size of its own; "
                "leave one of them out, or take --tokenizer bpe."
            )
        corpus = load_corpus(text, tokenizer, config.vocab_size)
        config = config.replace(vocab_size=corpus.tokenizer.n_vocab)
        return None, config, corpus, {"text": lasting_source(text, CORPORA), "tokenizer": tokenizer, "preset": preset}

    def run_from_weights(self, twin: ModuleType) -> "Start":
        """A run from the first step, from weights that are there."""
        from shared_gpt.commands.loading import load_model
        from shared_gpt.text.corpora import CORPORA
        from shared_gpt.training.corpus import read_corpus
        from shared_gpt.training.lifecycle import lasting_source

        text = self.text or "stories"
        model, tokenizer = load_model(twin, self.weights, self.tokenizer, self.training.dtype, self.model.n_heads)
        config = model.config.replace(**self.model.chosen())
        description = {"text": lasting_source(text, CORPORA), "weights": lasting_source(self.weights)}
        return model.state_dict(), config, read_corpus(text, tokenizer), description

    def kept_run(self, twin: ModuleType, folder: "RunFolder") -> "Start":
        """The run in a folder: what the options leave out is as it was."""
        from shared_gpt.config import GPTConfig
        from shared_gpt.json_values import entry
        from shared_gpt.text import load_tokenizer
        from shared_gpt.text.corpora import CORPORA
        from shared_gpt.training.corpus import load_corpus, read_corpus
        from shared_gpt.training.lifecycle import here, lasting_source

        description = folder.read_json(folder.training) | {"text": lasting_source(self.text, CORPORA)}
        config = folder.read_config()
        if self.preset:
            description["preset"] = self.preset
            config = GPTConfig.preset(self.preset, vocab_size=config.vocab_size)
        config = config.replace(**self.model.chosen())
        if self.tokenizer:
            description["tokenizer"] = self.tokenizer
            corpus = load_corpus(self.text, self.tokenizer, config.vocab_size)
            config = config.replace(vocab_size=corpus.tokenizer.n_vocab)
        else:
            tokenizer = load_tokenizer(folder.path)
            try:
                corpus = read_corpus(self.text, tokenizer)
            except ValueError as error:
                raise ValueError(f"{self.text} with the tokenizer of {folder.path}: {error}") from None
            except OSError as error:
                raise FileNotFoundError(
                    f"The text of the run in {folder.path} is gone; give it as --text. {str(error)[:500]}"
                ) from None
        weights = None
        kept_weights = entry({"weights": None} | description, "weights", str | None, folder.training)
        if kept_weights and not folder.checkpoints():  # it was killed before its first checkpoint
            weights = twin.load_gpt2(
                here(kept_weights, folder.training), getattr(twin, self.training.dtype)
            ).state_dict()
        return weights, config, corpus, description
