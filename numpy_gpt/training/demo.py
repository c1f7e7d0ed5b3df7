"""The demo: a run whose settings were chosen so that about a minute on two cores suffices."""

from pathlib import Path
from types import ModuleType

import numpy as np

from numpy_gpt.config import GPTConfig
from numpy_gpt.text.bpe import BytePairTokenizer
from numpy_gpt.text.corpora import load_text
from numpy_gpt.training.display import choose_display
from numpy_gpt.training.pretraining import Pretraining
from numpy_gpt.training.run_folder import RunFolder
from numpy_gpt.training.settings import TrainSettings

SETTINGS = TrainSettings(
    steps=800,
    batch_size=8,
    lr=4e-3,
    warmup=50,
    eval_every=100,
    eval_batches=8,
    sample_every=400,
    sample_prompt="Every morning",
)


def run_demo(twin: ModuleType, out: Path) -> None:
    """Pretrain the classroom preset on the stories; the run stays in `out`."""
    text = load_text("stories")
    tokenizer = BytePairTokenizer.train(text, 1024)
    config = GPTConfig.preset("classroom", n_layers=2, vocab_size=tokenizer.n_vocab)
    out.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(out)
    folder.metrics.unlink(missing_ok=True)
    tokens = np.array(tokenizer.encode(text))
    Pretraining(twin, config, SETTINGS, tokenizer, tokens, folder, choose_display()).run()
