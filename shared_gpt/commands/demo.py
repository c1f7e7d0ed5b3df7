"""demo: a small model, trained in about a minute."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from shared_gpt.training.settings import TrainSettings

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


@dataclass(frozen=True)
class Demo:
    """Train a small model on the stories that ship with the project, in about a minute."""

    out: Path = Path("runs/demo")
    """Folder of the run; an earlier demo there is replaced."""

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
            corpus = load_corpus("stories", "stories", 0)
            config = GPTConfig.preset("classroom", n_layers=2, drop_rate=0.0, vocab_size=corpus.tokenizer.n_vocab)
            run = Pretraining(twin, config, DEMO, *corpus, folder, choose_display(), processes)
            description = {"demo": True, "text": "stories", "tokenizer": "stories", "preset": "classroom"}
            begin_or_resume(run, folder, False, description)
            run.run()
            if run.step == DEMO.steps:
                run.display.say(
                    "So short a text is soon learnt by heart. "
                    "From then on, what lowers the loss there no longer lowers it on the tenth that the model never sees."
                )
            # The last weights know the stories by heart, which is what the samples showed; the best ones do not yet.
            run.display.say(closing_message(run, folder, "pretrain", "generate", folder.last))
