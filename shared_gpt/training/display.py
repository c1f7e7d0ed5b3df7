"""What a run says while it trains: a live bar in a terminal, plain lines in a file or a pipe."""

import sys
import time

from shared_gpt.streams import printable
from shared_gpt.training.run_folder import Row
from shared_gpt.training.settings import TrainSettings


class Display:
    """What a display is told of a run; this one shows nothing: for tests, notebooks, and all processes but the first."""

    def start(self, title: str, step: int, settings: TrainSettings) -> None:
        """The run begins, or goes on, after `step` steps."""

    def step(self, step: int, loss: float, tokens: int) -> None:
        """A step was taken; so many tokens were read since `start`."""

    def evaluation(self, row: Row, best: bool) -> None:
        """Both losses were measured."""

    def sample(self, step: int, text: str) -> None:
        """The model wrote something."""

    def say(self, text: str) -> None:
        """Anything else."""

    def stop(self) -> None:
        """The run has ended, for whatever reason."""


class PlainLines(Display):
    """Lines for a log: each measurement, each sample, and between them a line every few seconds."""

    def __init__(self, every: float = 10.0):
        self.every = every

    def start(self, title: str, step: int, settings: TrainSettings) -> None:
        self.say(title)
        self.steps, self.first_step = settings.steps, step
        self.started = self.last_line = time.monotonic()

    def step(self, step: int, loss: float, tokens: int) -> None:
        now = time.monotonic()
        if now - self.last_line >= self.every:
            self.last_line = now
            left = (now - self.started) / (step - self.first_step) * (self.steps - step)
            speed = per_second(tokens, now - self.started)
            self.say(f"step {step}/{self.steps}  loss {loss:.3f}  {speed} tokens/s  {clock(left)} left")

    def evaluation(self, row: Row, best: bool) -> None:
        losses = f"train loss {row['train_loss']:.3f}  validation loss {row['val_loss']:.3f}"
        self.say(f"step {row['step']}/{self.steps}  {losses}{'  (best so far)' if best else ''}")

    def sample(self, step: int, text: str) -> None:
        self.say(f"sample at step {step}:")
        self.say("\n".join(f"    {line}" for line in text.splitlines()))

    def say(self, text: str) -> None:
        print(text, flush=True)


class LiveTerminal(Display):
    """A progress bar with loss, tokens per second and time left; above it the losses measured, and samples in frames."""

    def __init__(self):
        from rich.console import Console

        self.console = Console(highlight=False)
        self.bar = None

    def start(self, title: str, step: int, settings: TrainSettings) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.say(title)
        self.bar = Progress(
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("{task.fields[speed]} tokens/s"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self.console,
            expand=True,
        )
        self.task = self.bar.add_task("", total=settings.steps, completed=step, loss="–", speed="–")
        self.started = time.monotonic()
        self.bar.start()

    def step(self, step: int, loss: float, tokens: int) -> None:
        speed = per_second(tokens, time.monotonic() - self.started)
        self.bar.update(self.task, completed=step, loss=f"{loss:.3f}", speed=speed)

    def evaluation(self, row: Row, best: bool) -> None:
        self.console.print(
            f"step [bold]{row['step']:>6,}[/]   train loss [bold]{row['train_loss']:.3f}[/]   "
            f"validation loss [bold]{row['val_loss']:.3f}[/]{'   [green]best so far[/]' if best else ''}"
        )

    def sample(self, step: int, text: str) -> None:
        from rich.panel import Panel
        from rich.text import Text

        title = f"sample at step {step:,}"
        self.console.print(Panel(Text(printable(text)), title=title, title_align="left", border_style="cyan"))

    def say(self, text: str) -> None:
        self.console.print(text, markup=False)

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()


def choose_display() -> Display:
    """A live bar in a terminal, else plain lines."""
    return LiveTerminal() if sys.stdout and sys.stdout.isatty() else PlainLines()


def per_second(count: int, seconds: float) -> str:
    """1,234; a dash before the clock has moved, which on Windows takes 16 milliseconds."""
    return f"{count / seconds:,.0f}" if seconds > 0 else "–"


def clock(seconds: float) -> str:
    """1:05, or 2:03:04."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
