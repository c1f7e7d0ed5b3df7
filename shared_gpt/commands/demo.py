"""demo: a question to a trained model, then a small model that one sees learning, in about a minute."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from shared_gpt.training.settings import TrainSettings

TEXT, TOKENIZER = "marren", "stories"
QUESTION = "What is the opposite of 'hot'?"
DEMO = TrainSettings(
    steps=700,
    batch_size=12,
    lr=3e-3,
    warmup=50,
    threads=1,  # more would have too little to do, and wait for each other wherever the machine is busy
    eval_every=100,
    sample_every=350,
    sample_prompt="In the morning",
    sample_temperature=0.5,
    val_fraction=0.05,
)


@dataclass(frozen=True)
class Demo:
    """Ask a model that answers, then train a small one on the texts that ship with the project, in about a minute."""

    out: Path = Path("runs/demo")
    """Folder of the run; an earlier demo there is replaced."""
    weights: str = "marren-chat"
    """The model to ask, as chat takes it."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.config import GPTConfig
        from shared_gpt.training.corpus import load_corpus
        from shared_gpt.training.display import choose_display
        from shared_gpt.training.lifecycle import begin_or_resume, claimed, closing_message
        from shared_gpt.training.pretraining import Pretraining
        from shared_gpt.training.run_folder import RunFolder

        folder = RunFolder(self.out)
        holds_a_demo = folder.training.is_file() and "demo" in folder.read_json(folder.training)
        with claimed(twin, DEMO, folder, may_hold_a_run=holds_a_demo) as processes:
            self.ask(twin)
            corpus = load_corpus(TEXT, TOKENIZER, 0)
            config = GPTConfig.preset("classroom", n_layers=2, drop_rate=0.0, vocab_size=corpus.tokenizer.n_vocab)
            run = Pretraining(twin, config, DEMO, *corpus, folder, choose_display(), processes)
            description = {"demo": True, "text": TEXT, "tokenizer": TOKENIZER, "preset": "classroom"}
            begin_or_resume(run, folder, False, description)
            run.run()
            run.display.say(closing_message(run, folder, "pretrain", "generate", folder.last))

    def ask(self, twin: ModuleType) -> None:
        """The question and its answer, where this installation holds the model."""
        from rich.console import Console

        from shared_gpt.commands.chat import Chat
        from shared_gpt.commands.showing import show_answer

        console = Console(highlight=False)
        try:
            talk = Chat(self.weights).talk(twin)
        except (FileNotFoundError, ValueError) as error:  # the training needs no other model
            console.print(f"No question was asked: {error}\n", markup=False)
            return
        show_answer(talk, QUESTION, console)
        program = twin.__name__.replace("_", "-")
        console.print(
            f"Ask it yourself: {program} chat --weights {self.weights} (with --web, in the browser)\n", markup=False
        )
