"""What a run says while it trains: a live bar in a terminal, plain lines in a file or a pipe, nothing in helpers."""

import sys
import time
from typing import Protocol

from numpy_gpt.training.settings import TrainSettings


class Display(Protocol):
    """What the training tells, and when."""

    def start(self, title: str, step: int, settings: TrainSettings) -> None: ...

    def step(self, step: int, loss: float, tokens_per_second: float) -> None: ...

    def evaluation(self, step: int, train_loss: float, val_loss: float, best: bool) -> None: ...

    def sample(self, step: int, text: str) -> None: ...

    def say(self, text: str) -> None: ...

    def stop(self) -> None: ...


class Silent:
    """Says nothing: for tests, notebooks, and processes that are not the first."""

    def start(self, title: str, step: int, settings: TrainSettings) -> None: ...

    def step(self, step: int, loss: float, tokens_per_second: float) -> None: ...

    def evaluation(self, step: int, train_loss: float, val_loss: float, best: bool) -> None: ...

    def sample(self, step: int, text: str) -> None: ...

    def say(self, text: str) -> None: ...

    def stop(self) -> None: ...


class PlainLines(Silent):
    """Lines for a log: each evaluation, each sample, and between them a line every few seconds."""

    def __init__(self, every: float = 10.0):
        self.every = every

    def start(self, title: str, step: int, settings: TrainSettings) -> None:
        print(title, flush=True)
        self.steps, self.first_step = settings.steps, step
        self.started = self.told = time.monotonic()

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        now = time.monotonic()
        if now - self.told >= self.every:
            self.told = now
            left = (now - self.started) / (step - self.first_step) * (self.steps - step)
            print(
                f"step {step}/{self.steps}  loss {loss:.3f}  {tokens_per_second:,.0f} tokens/s  {clock(left)} left",
                flush=True,
            )

    def evaluation(self, step: int, train_loss: float, val_loss: float, best: bool) -> None:
        mark = "  (best so far)" if best else ""
        print(
            f"step {step}/{self.steps}  train loss {train_loss:.3f}  validation loss {val_loss:.3f}{mark}", flush=True
        )

    def sample(self, step: int, text: str) -> None:
        print(f"sample at step {step}:\n" + "\n".join(f"    {line}" for line in text.splitlines()), flush=True)

    def say(self, text: str) -> None:
        print(text, flush=True)


class LiveTerminal(Silent):
    """A progress bar with loss, tokens per second and time left; losses above it, samples in frames."""

    def __init__(self):
        from rich.console import Console

        self.console = Console(highlight=False)
        self.bar = None

    def start(self, title: str, step: int, settings: TrainSettings) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console.print(title)
        self.bar = Progress(
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("loss [bold]{task.fields[loss]}"),
            TextColumn("{task.fields[speed]} tokens/s"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self.console,
            expand=True,
        )
        self.task = self.bar.add_task("", total=settings.steps, completed=step, loss="–", speed="–")
        self.bar.start()

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        self.bar.update(self.task, completed=step, loss=f"{loss:.3f}", speed=f"{tokens_per_second:,.0f}")

    def evaluation(self, step: int, train_loss: float, val_loss: float, best: bool) -> None:
        mark = "  [green]best so far[/]" if best else ""
        self.console.print(
            f"step [bold]{step:>6,}[/]   train loss [bold]{train_loss:.3f}[/]   validation loss [bold]{val_loss:.3f}[/]{mark}"
        )

    def sample(self, step: int, text: str) -> None:
        from rich.panel import Panel
        from rich.text import Text

        self.console.print(Panel(Text(text), title=f"sample at step {step:,}", title_align="left", border_style="cyan"))

    def say(self, text: str) -> None:
        from rich.text import Text

        self.console.print(Text(text))

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()


def choose_display() -> Display:
    """A live bar where someone watches, else plain lines."""
    return LiveTerminal() if sys.stdout.isatty() else PlainLines()


def clock(seconds: float) -> str:
    """1:05, or 2:03:04."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
