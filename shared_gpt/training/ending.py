"""What is said of an error, or of a second Ctrl-C, that ends a run: at which step it came, and which checkpoint is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def errors_explained(run: Any) -> Iterator[None]:
    """Make an error that ends the run say at which step it came, and which checkpoint is left."""
    try:
        yield
    except FloatingPointError as error:
        raise ValueError(
            f"Step {run.step + 1} of {run.settings.steps}: {error} {what_is_safe(run)} Try a smaller --lr "
            "or a longer --warmup."
        ) from None
    except MemoryError as error:
        raise ValueError(
            f"Step {run.step + 1} of {run.settings.steps}: {str(error) or 'out of memory'}. {what_is_safe(run)} Take a "
            "smaller --batch-size in a new run, with a larger --accumulate to make up for it."
        ) from None
    except OSError as error:
        raise OSError(f"Step {run.step}: {error}. {what_is_safe(run)}") from error
    except KeyboardInterrupt:
        run.display.say(f"Stopped at once, at step {run.step}. {what_is_safe(run)}")
        raise


def what_is_safe(run: Any) -> str:
    """Which checkpoint is left, for the end of an error message."""
    if run.saved_step is None or run.folder is None:
        return "No checkpoint was saved yet."
    if run.folder.is_taken:
        return "The checkpoints of this run went with its folder; begin it again with another --out."
    if not (left := run.folder.checkpoints()):
        return (
            f"{run.folder.path} is no longer there; if it was moved, --out with its new place and --resume go on from "
            f"its last checkpoint (step {run.saved_step})."
        )
    return f"The last good checkpoint is {left[0]} (step {run.saved_step}); --resume goes on from it."
