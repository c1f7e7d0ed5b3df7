"""The tiny GPT whose numbers the pages show: B 2, T 5, C 12, trained for seconds on the stories (`python -m village tiny`)."""

import re
from collections import Counter
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from shared_gpt.checkpoints.run_files import load_tensors
from shared_gpt.config import GPTConfig

WEIGHTS = Path(__file__).parent / "data" / "tiny.safetensors"
STORIES = Path(__file__).parent.parent / "shared_gpt" / "text" / "data" / "marren" / "stories.txt"
CONFIG = GPTConfig(128, context_length=8, emb_dim=12, n_heads=3, n_layers=2, drop_rate=0.1, tie_embeddings=False)
TEXTS = ("the water came down the hill", "she looked at the sea .")  # the last word is the last target


@cache
def vocabulary() -> list[str]:
    """The commonest words of the stories; the first stands for all others."""
    counted = Counter(words(STORIES.read_text(encoding="utf-8")))
    return ["…", *(word for word, _ in counted.most_common(CONFIG.vocab_size - 1))]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|[.,]", text.lower())


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Ids and targets of TEXTS, both (2, 5)."""
    known = vocabulary()
    rows = np.array([[known.index(word) for word in words(text)] for text in TEXTS])
    return rows[:, :-1], rows[:, 1:]


def build(twin: Any) -> Any:
    """The trained model of either twin, in float64; its dropout masks begin anew."""
    model = twin.GPTModel(twin.GPTConfig(**asdict(CONFIG)), np.random.default_rng(0), twin.float64, initialize=False)
    model.load_state_dict({key: array.astype(np.float64) for key, array in load_tensors(WEIGHTS)[0].items()})
    return model
