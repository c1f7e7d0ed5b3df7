"""Pretraining: one run from text to trained model, in either twin; train.py has the loop, this room what happens around it."""

import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from numpy_gpt.checkpoints.run_files import save_tensors
from numpy_gpt.config import GPTConfig
from numpy_gpt.shapes import Array, Int
from numpy_gpt.text.batches import Batches
from numpy_gpt.text.tokenizer import Tokenizer
from numpy_gpt.text.windows import TokenWindows, split_tokens
from numpy_gpt.training.display import Display, Silent
from numpy_gpt.training.interrupt import StopRequest
from numpy_gpt.training.processes import ALONE, Batch, Processes
from numpy_gpt.training.run_folder import RunFolder
from numpy_gpt.training.settings import TrainSettings


class Pretraining:
    """A model, its optimizer, its data and its place between two steps.

    Two generators come from one seed: one draws weights and dropout, one the order of the data, so that the order is
    the same for any model and on any number of processes. Samples draw from a generator of their own.
    """

    def __init__(
        self,
        twin: ModuleType,
        config: GPTConfig,
        settings: TrainSettings,
        tokenizer: Tokenizer,
        tokens: Int[Array, " N"],
        folder: RunFolder | None = None,
        display: Display | None = None,
        processes: Processes = ALONE,
    ):
        self.twin, self.config, self.settings, self.tokenizer = twin, config, settings, tokenizer
        self.folder, self.display, self.processes = folder, display or Silent(), processes
        self.rng = np.random.default_rng(settings.seed)
        self.order_rng = np.random.default_rng([settings.seed, 1])
        self.model = twin.GPTModel(config, self.rng, getattr(twin, settings.dtype))
        self.optimizer = twin.AdamW(
            self.model.parameters(), settings.lr, (settings.beta1, settings.beta2), weight_decay=settings.weight_decay
        )
        T = config.context_length
        train_tokens, val_tokens = split_tokens(tokens, settings.val_fraction)
        self.train_windows = TokenWindows(train_tokens, T, settings.stride or max(T // 4, 1))
        self.val_windows = TokenWindows(val_tokens, T)
        self.batches = Batches(self.train_windows, settings.batch_size, self.order_rng)
        self.prompt = settings.sample_prompt or tokenizer.decode(tokens[:4])
        self.step = 0
        self.best: dict[str, float] | None = None
        self.seconds = 0.0  # spent in earlier sessions of the run

    @property
    def tokens_per_step(self) -> int:
        return self.settings.batch_size * self.settings.accumulate * self.config.context_length

    def run(self) -> None:
        """Train to the last step, or until Ctrl-C; the folder then holds the checkpoint, the metrics and the picture."""
        settings = self.settings
        self.display.start(self.title(), self.step, settings)
        self.started = time.monotonic() - self.seconds
        try:
            with StopRequest() as stop:
                if self.step == 0:
                    self.look({"step": 0, "tokens": 0})
                    self.sample()
                for progress in self.steps():
                    self.step = progress.step
                    row = progress._asdict() | {"tokens": self.step * self.tokens_per_step}
                    last = self.step == settings.steps or stop.requested
                    self.display.step(self.step, progress.loss, self.speed())
                    self.look(row, measure=last or self.step % settings.eval_every == 0)
                    if settings.sample_every and (last or self.step % settings.sample_every == 0):
                        self.sample()
                    if last or self.step % (settings.save_every or settings.eval_every) == 0:
                        self.save()
                    if stop.requested:
                        break
        finally:
            self.display.stop()
        self.draw()

    def steps(self) -> Iterator[Any]:
        """train.py's loop over this process's share of the data."""
        settings = self.settings
        batches = map(self.processes.share, self.batches.endless())
        return self.twin.train(
            self.processes.replica(self.model),
            self.optimizer,
            batches,
            settings.steps,
            settings.learning_rate,
            settings.accumulate,
            settings.max_norm,
            self.step,
            self.processes,
        )

    def look(self, row: dict[str, Any], measure: bool = True) -> None:
        """Write a row of metrics, with both losses measured if asked; keep the weights if they are the best so far."""
        if not self.processes.is_first:
            return
        if measure:
            row["train_loss"] = self.twin.evaluate(self.model, self.spread(self.train_windows))
            row["val_loss"] = self.twin.evaluate(self.model, self.spread(self.val_windows))
            best = self.best is None or row["val_loss"] < self.best["val_loss"]
            if best:
                self.best = {"step": row["step"], "val_loss": row["val_loss"]}
                if self.folder:
                    metadata = {"config": self.config.to_dict(), **self.best}
                    save_tensors(self.folder.best, self.model_tensors(), metadata)
            self.display.evaluation(row["step"], row["train_loss"], row["val_loss"], best)
        if self.folder:
            self.folder.add_row(row | {"seconds": round(time.monotonic() - self.started, 3)})

    def spread(self, windows: TokenWindows) -> Iterator[Batch]:
        """Up to eval_batches batches of windows, evenly spaced: the same ones every time."""
        size = self.settings.batch_size
        count = min(len(windows), size * self.settings.eval_batches or len(windows))
        chosen = np.linspace(0, len(windows) - 1, count).round().astype(int).tolist()
        for start in range(0, count, size):
            yield windows.collate([windows[i] for i in chosen[start : start + size]])

    def sample(self) -> None:
        if not self.processes.is_first:
            return
        rng = np.random.default_rng([self.settings.seed, 2])
        prompt = self.tokenizer.encode(self.prompt)
        (ids,) = self.twin.generate(
            self.model, [prompt], self.settings.sample_tokens, temperature=0.8, top_k=40, rng=rng
        )
        text = self.tokenizer.decode(ids)
        self.display.sample(self.step, text)
        if self.folder:
            self.folder.add_sample(self.step, text)

    def speed(self) -> float:
        """Tokens per second since the run, or its resumption, began."""
        return (self.step * self.tokens_per_step) / max(time.monotonic() - self.started, 1e-9)

    def title(self) -> str:
        config = self.config
        return (
            f"{self.model.num_parameters():,} parameters ({config.n_layers} layers, {config.n_heads} heads, width "
            f"{config.emb_dim}, context {config.context_length}, {config.vocab_size:,} tokens), "
            f"{len(self.train_windows.tokens):,} tokens to train on, {len(self.val_windows.tokens):,} to validate on"
        )

    def model_tensors(self) -> dict[str, np.ndarray]:
        return {f"model.{name}": to_numpy(tensor) for name, tensor in self.model.state_dict().items()}

    def save(self) -> None:
        """Write last.safetensors: all that a bit-identical continuation needs."""

    def draw(self) -> None:
        if self.folder and self.processes.is_first:
            from numpy_gpt.plots import plot_losses

            plot_losses({self.folder.path.name: self.folder.rows()}, self.folder.picture)


def to_numpy(tensor: Any) -> np.ndarray:
    """An array as it is, a tensor as an array, from whatever device."""
    return tensor if isinstance(tensor, np.ndarray) else tensor.detach().cpu().numpy()
