"""Trains the tiny model whose numbers the reader's pages show, in seconds; see reader/tiny.py."""

import numpy as np

import numpy_gpt as gpt
from reader.tiny import CONFIG, STORIES, WEIGHTS, vocabulary, words
from shared_gpt.checkpoints.run_files import save_tensors


def make_tiny(steps: int = 3000) -> float:
    """Train from the seed and write WEIGHTS; returns the last losses' mean."""
    known = {word: i for i, word in enumerate(vocabulary())}
    text = np.array([known.get(word, 0) for word in words(STORIES.read_text(encoding="utf-8"))])
    rng = np.random.default_rng(0)
    model = gpt.GPTModel(CONFIG, rng)
    criterion, optimizer = gpt.CrossEntropy(), gpt.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
    losses = []
    for step in range(steps):
        starts = rng.integers(0, len(text) - 9, 32)
        windows = text[starts[:, None] + np.arange(9)]
        optimizer.lr = 5e-3 * (1 - step / steps)
        optimizer.zero_grad()
        losses.append(criterion(model(windows[:, :-1]), np.where(windows[:, 1:] == 0, -100, windows[:, 1:])))
        model.backward(criterion.backward())
        optimizer.step()
    save_tensors(WEIGHTS, model.state_dict(), {"steps": steps, "text": STORIES.name})
    return float(np.mean(losses[-100:]))
