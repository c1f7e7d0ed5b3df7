"""TrainingRun: what happens around the loop of train.py, in either twin, whatever it learns: metrics, checkpoints, resuming."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.checkpoints.run_files import load_tensors, save_tensors
from shared_gpt.checkpoints.stored import CheckpointError
from shared_gpt.streams import unfailing_output
from shared_gpt.text.batches import Dataset
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.training.display import Display
from shared_gpt.training.ending import errors_explained
from shared_gpt.training.interrupt import StopRequest
from shared_gpt.training.processes import ALONE, Batch, Processes
from shared_gpt.training.run_folder import Row, RunFolder
from shared_gpt.training.settings import TrainSettings
from shared_gpt.training.state import RunState, check_state_of, pack_model, refuse_another


class TrainingRun(RunState):
    """The state of a run, and what takes it from step to step.

    A subclass brings the model and two datasets, and says what a sample is. Without a folder nothing is kept.
    """

    def __init__(
        self,
        twin: ModuleType,
        model: Any,
        rng: np.random.Generator,
        settings: TrainSettings,
        tokenizer: Tokenizer,
        train_set: Dataset,
        val_set: Dataset,
        tokens_per_step: int,
        identity: dict[str, Any] | None = None,
        folder: RunFolder | None = None,
        display: Display | None = None,
        processes: Processes = ALONE,
    ):
        settings.check()
        if settings.batch_size % processes.size:
            raise ValueError(
                f"batch_size {settings.batch_size} does not divide among {processes.size} processes; "
                f"take a multiple of {processes.size}."
            )
        super().__init__(twin, processes.place(model), rng, settings, train_set, identity or {})
        if processes.rank:  # the same weights everywhere, but each process drops values of its own
            self.rng.bit_generator.state = np.random.default_rng([settings.seed, 2, processes.rank]).bit_generator.state
        self.twin, self.tokenizer, self.processes = twin, tokenizer, processes
        self.train_set, self.val_set, self.tokens_per_step = train_set, val_set, tokens_per_step
        self.folder = folder if processes.is_first else None
        self.display = display if display and processes.is_first else Display()
        self.first_step = 0  # of this session
        self.saved_step: int | None = None
        self.watchers: list[Callable[[Row], None]] = []  # called with each row of the metrics

    def title(self) -> str:
        """What is trained on what, in a line or two."""
        raise NotImplementedError

    def sample(self) -> None:
        """Show, and keep, something that the model can do now."""
        raise NotImplementedError

    def best_tensors(self) -> dict[str, np.ndarray]:
        """What best.safetensors keeps: the weights as other commands load them."""
        return pack_model(self.model)

    def run(self) -> None:
        """Train to the last step, or until Ctrl-C. The folder then holds checkpoint, metrics and picture; so it does, up to
        the last checkpoint, after an OSError (a full disk) or a ValueError (a loss that is not finite)."""
        with unfailing_output(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            self.run_to_the_end()

    def run_to_the_end(self) -> None:
        self.first_step, self.started = self.step, time.monotonic() - self.seconds
        self.display.start(self.title(), self.step, self.settings)
        try:
            with errors_explained(self), StopRequest(self.processes.is_first) as stop:
                if self.step == 0:
                    self.record({"step": 0, "tokens": 0}, measure=True)
                    if self.settings.steps_between_samples:
                        self.sample()
                for progress in self.steps():
                    self.after_step(progress, self.processes.sum(stop.requested) > 0)
                    if self.stopped:
                        break
        finally:
            self.display.stop()
            self.draw()

    def steps(self) -> Iterator[Any]:
        """train.py's loop over this process's share of the data."""
        return self.twin.train(
            self.model,
            self.optimizer,
            map(self.processes.share, self.batches.endless()),
            self.settings.steps,
            self.settings.learning_rate,
            self.settings.accumulate,
            self.settings.max_norm,
            self.step,
            self.processes,
        )

    def after_step(self, progress: Any, stop: bool) -> None:
        settings, self.step, self.stopped = self.settings, progress.step, stop
        if self.folder and self.folder.is_taken:
            raise BlockingIOError(f"{self.folder.path} was removed, and another process has begun one of this name")
        self.seconds = time.monotonic() - self.started
        last = stop or self.step == settings.steps
        self.display.step(self.step, progress.loss, self.tokens_per_step * (self.step - self.first_step))
        row = {"step": self.step, "tokens": self.step * self.tokens_per_step, "lr": progress.lr}
        row |= {"grad_norm": progress.grad_norm, "loss": progress.loss}
        self.record(row, measure=last or self.step % settings.eval_every == 0)
        if settings.steps_between_samples and (last or self.step % settings.steps_between_samples == 0):
            self.sample()
        if last or self.step % (settings.save_every or settings.eval_every) == 0:
            self.save()

    def record(self, row: dict[str, Any], measure: bool) -> None:
        """Write a row of metrics, with both losses if they are to be measured; keep the weights if they are the best so far."""
        if not self.processes.is_first:
            return
        if measure:
            row["train_loss"] = self.twin.evaluate(self.model, self.spread(self.train_set))
            row["val_loss"] = self.twin.evaluate(self.model, self.spread(self.val_set))
            best = self.best is None or row["val_loss"] < self.best["val_loss"]
            if best:
                self.best = {"step": row["step"], "val_loss": row["val_loss"]}
            self.display.evaluation(row, best)
            if best and self.folder:
                save_tensors(self.folder.best, self.best_tensors(), {"config": self.config.to_dict(), **self.best})
        row["seconds"] = round(self.seconds, 3)
        if self.folder:
            self.folder.add_row(row)
        for watcher in self.watchers:
            watcher(row)

    def spread(self, dataset: Dataset) -> Iterator[Batch]:
        """Up to eval_batches batches of a dataset, evenly spaced, the same ones every time."""
        size = self.settings.batch_size
        count = min(len(dataset), size * self.settings.eval_batches or len(dataset))
        chosen = np.linspace(0, len(dataset) - 1, count).round().astype(int).tolist()
        for start in range(0, count, size):
            yield dataset.collate([dataset[i] for i in chosen[start : start + size]])

    def save(self) -> None:
        """Write last.safetensors, the state of the run."""
        rngs = self.processes.gather(self.rng.bit_generator.state)
        if self.folder:
            self.folder.flush_metrics()
            save_tensors(self.folder.last, *self.pack(rngs), before_naming=self.folder.keep_last)
            self.saved_step = self.step

    def resume(self, folder: RunFolder) -> None:
        """Go on from the last checkpoint of a run, or from the one before where that cannot be read. Raises what
        `refuse_another` raises, before anything is touched, and CheckpointError or OSError where no checkpoint is whole."""
        path, *older = folder.checkpoints()
        try:
            changes = self.go_back_to(path)
        except (CheckpointError, OSError) as error:
            if not older or isinstance(error, PermissionError):  # which its owner can mend, and loses no step
                raise
            self.display.say(f"{error} Going on from the one before, {older[0].name}.")
            changes = self.go_back_to(older[0])
            if self.folder:  # or the next save would put it in the place of the whole one
                self.display.say(f"The damaged one is kept as {self.folder.set_aside(path)}.")
        for change in changes:
            self.display.say(f"changed since then: {change}")
        self.saved_step = self.step
        if self.folder:
            for sentence in self.folder.cut_back(self.step):
                self.display.say(sentence)

    def go_back_to(self, path: Path) -> list[str]:
        """Take the state of a checkpoint; returns which settings have changed since then."""
        tensors, metadata = load_tensors(path)
        kept = check_state_of(path, metadata)
        refuse_another(path, kept, self.config, self.settings, self.identity)
        try:
            return self.unpack(tensors, kept, self.processes.rank)
        except ValueError as error:
            raise CheckpointError(f"{path} holds a state that makes no run: {error}") from error

    def draw(self) -> None:
        """Draw loss.png. A picture that fails is no reason to lose the run, nor to hide the error that ended it."""
        if not (self.folder and self.step) or self.folder.is_taken:
            return
        from shared_gpt.plots import plot_losses

        try:
            plot_losses({self.folder.path.name: self.folder.rows()}, self.folder.picture)
        except Exception as error:
            self.display.say(f"{self.folder.picture} could not be drawn: {error}")
