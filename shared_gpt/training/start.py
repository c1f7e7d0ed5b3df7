"""From the options of a command to a run: a new one, one that goes on, or the demo."""

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shared_gpt.config import GPTConfig
from shared_gpt.text import load_tokenizer, save_tokenizer
from shared_gpt.text.corpora import CORPORA
from shared_gpt.training.corpus import Corpus, load_corpus, read_corpus
from shared_gpt.training.display import choose_display
from shared_gpt.training.pretraining import Pretraining
from shared_gpt.training.processes import Processes
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings
from shared_gpt.training.state import read_state, refuse_another

if TYPE_CHECKING:
    from shared_gpt.commands.training import Pretrain

DEMO = TrainSettings(
    steps=800,
    batch_size=8,
    lr=3e-3,
    warmup=50,
    threads=1,  # more would have too little to do, and wait for each other wherever the machine is busy
    eval_every=100,
    sample_every=400,
    sample_prompt="In the morning",
    sample_temperature=0.7,
)


def pretrain(twin: ModuleType, options: "Pretrain") -> None:
    """The pretrain command."""
    folder = RunFolder(options.out)
    settings = kept_settings(options, folder) if options.resume else options.training
    with join(twin, settings) as processes:
        run = (resumed if options.resume else new)(twin, options, settings, folder, processes)
        if options.tensorboard and processes.is_first:
            from shared_gpt.training.tensorboard import TensorBoard

            run.watchers.append(TensorBoard(folder.path, run.step))
        run.run()
        run.display.say(closing_words(run, folder, twin.__name__.replace("_", "-")))


def demo(twin: ModuleType, out: Path) -> None:
    """The demo command."""
    folder = RunFolder(out)
    if folder.training.is_file() and "demo" in folder.read_json(folder.training):
        folder.lock()
        folder.training.unlink()
    corpus = load_corpus("stories", "stories", 0)
    config = GPTConfig.preset("classroom", n_layers=2, drop_rate=0.0, vocab_size=corpus.tokenizer.n_vocab)
    with join(twin, DEMO) as processes:
        about = {"demo": True, "text": "stories", "tokenizer": "stories", "preset": "classroom"}
        run = begin(twin, config, DEMO, corpus, about, folder, processes)
        run.run()
        if run.step == DEMO.steps:
            run.display.say(
                "So short a text is soon learnt by heart: what helps there stops helping on the tenth that the model never saw."
            )
        # The last weights know the stories by heart, which is what the samples showed; the best ones do not yet.
        run.display.say(closing_words(run, folder, twin.__name__.replace("_", "-"), folder.last))


def join(twin: ModuleType, settings: TrainSettings) -> Processes:
    settings.check()
    return import_module(f"{twin.__name__}.distributed").join(settings.device, settings.bf16, settings.threads)


def new(
    twin: ModuleType, options: "Pretrain", settings: TrainSettings, folder: RunFolder, processes: Processes
) -> Pretraining:
    """A run from the first step, in a folder that holds none yet."""
    preset, text = options.preset or "classroom", options.text or "stories"
    config = GPTConfig.preset(preset, **options.model.given())
    tokenizer = options.tokenizer or ("bpe" if preset == "classroom" else "gpt2")
    corpus = load_corpus(text, tokenizer, config.vocab_size)
    config = config.replace(vocab_size=corpus.tokenizer.n_vocab)
    about = {"text": lasting_name(text), "tokenizer": tokenizer, "preset": preset}
    return begin(twin, config, settings, corpus, about, folder, processes)


def begin(
    twin: ModuleType,
    config: GPTConfig,
    settings: TrainSettings,
    corpus: Corpus,
    about: dict[str, Any],
    folder: RunFolder,
    processes: Processes,
) -> Pretraining:
    """Fill a new folder with all that tells how the run was made; training.json comes last and makes it a run."""
    if processes.is_first:
        folder.lock()
        if folder.training.exists():
            raise FileExistsError(
                f"{folder.path} holds a run already; go on with it by --resume, take another --out, or remove the folder."
            )
    run = Pretraining(
        twin, config, settings, corpus.tokenizer, corpus.tokens, corpus.identity, folder, choose_display(), processes
    )
    if processes.is_first:
        folder.start_over()
        folder.write_json(folder.config, config.to_dict())
        save_tokenizer(corpus.tokenizer, folder.path)
        folder.write_json(folder.training, {**about, "program": twin.__name__, "settings": asdict(settings)})
    return run


def kept_settings(options: "Pretrain", folder: RunFolder) -> TrainSettings:
    """A run's settings, with those that the options set to something else than the default."""
    kept, defaults = folder.read_json(folder.training)["settings"], asdict(TrainSettings())
    given = {key: value for key, value in asdict(options.training).items() if value != defaults[key]}
    return TrainSettings(**(kept | given))


def resumed(
    twin: ModuleType, options: "Pretrain", settings: TrainSettings, folder: RunFolder, processes: Processes
) -> Pretraining:
    """The run of a folder, at its last checkpoint (at the first step, if it was killed before there was one). What the options
    leave open is as it was; what they change is refused where a run cannot change it."""
    kept = folder.read_json(folder.training)
    if processes.is_first:
        folder.lock()
    config = GPTConfig(**folder.read_json(folder.config))
    if options.preset:
        config = GPTConfig.preset(options.preset, vocab_size=config.vocab_size)
    config = config.replace(**options.model.given())
    text = options.text or kept["text"]
    if options.tokenizer:
        corpus = load_corpus(text, options.tokenizer, config.vocab_size)
        config = config.replace(vocab_size=corpus.tokenizer.n_vocab)
    else:
        corpus = read_corpus(text, load_tokenizer(folder.path))
    if has_checkpoint := folder.last.is_file():
        refuse_another(read_state(folder.last), config, settings, corpus.identity)  # before a model is built
    run = Pretraining(
        twin, config, settings, corpus.tokenizer, corpus.tokens, corpus.identity, folder, choose_display(), processes
    )
    if has_checkpoint:
        run.resume(folder)
    elif processes.is_first:
        folder.start_over()
    return run


def lasting_name(text: str) -> str:
    """A text's name, or its path in a form that holds in any working folder."""
    return str(Path(text).resolve()) if text not in CORPORA and Path(text).exists() else text


def closing_words(run: Pretraining, folder: RunFolder, program: str, weights: Path | None = None) -> str:
    if run.step < run.settings.steps:
        return (
            f"Stopped after step {run.step} of {run.settings.steps}; nothing is lost.\n"
            f"Go on with: {program} pretrain --out {folder.path} --resume"
        )
    best = f" (best: step {run.best['step']}, validation loss {run.best['val_loss']:.3f})" if run.best else ""
    return (
        f"Done: {run.tokens_per_step * run.step:,} tokens in {run.seconds:.0f} s{best}.\n"
        f"Losses: {folder.picture}\nTry:    {program} generate --weights {weights or folder.path}"
    )
