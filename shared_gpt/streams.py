"""Standard input and output as they are: in any encoding, closed, or read by a program that has ended; and errors in one line."""

import errno
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


def run_program(program: str, work: Callable[[], int | None]) -> int:
    """Do the work and return the exit status. What ends it is said in one line on standard error.

    A reader that has ended (`| head -1`) ends the work quietly.
    """
    try:
        prepare_streams(program)
        status = work()
        sys.stdout.flush()
        return status or 0
    except (ValueError, OSError, ImportError) as error:
        if is_closed_pipe(error):
            silence(sys.stdout)
            return 1
        complain(program, error)
        return 2
    except MemoryError as error:
        complain(program, f"{str(error) or 'out of memory'}; take less at once, or a machine with more memory.")
        return 2
    except KeyboardInterrupt:
        complain(program, "stopped.")
        return 130


def is_closed_pipe(error: Exception) -> bool:
    """Whether the reader of an output has ended. Windows calls that an invalid argument, of no file."""
    invalid = isinstance(error, OSError) and error.errno == errno.EINVAL and error.filename is None
    return isinstance(error, BrokenPipeError) or (sys.platform == "win32" and invalid)


def complain(program: str, problem: object) -> None:
    with suppress(OSError):  # who closed standard error does not want to know
        print(f"{program}: {printable(' '.join(str(problem).splitlines()))}", file=sys.stderr)


def printable(text: object, allowed: str = "\n\t") -> str:
    """Text from a file or a model as a terminal may show it: U+FFFD for control characters, which could move the cursor, change
    colours or rename the window."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: found[0] if found[0] in allowed else "\ufffd", str(text))


class ClosedInput:
    """Standard input that is closed: whoever reads it is told so."""

    def isatty(self) -> bool:
        return False

    def read(self, size: int = -1) -> str:
        raise ValueError("Standard input is closed; give the text through a pipe, or as an argument.")

    def readline(self) -> str:
        return self.read()

    def __iter__(self) -> Iterator[str]:
        yield self.read()


def prepare_streams(program: str) -> None:
    """Show "?" for a character that an output's encoding lacks, and put something in the place of a closed stream."""
    closed = sys.stdout is None
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Opened at once: otherwise the next file that is written, a checkpoint say, gets the number of the closed stream.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="replace")
    if sys.stdin is None:
        sys.stdin = ClosedInput()
    if closed:
        complain(program, "standard output is closed; nothing can be shown.")


def silence(stream: Any) -> None:
    """Let a stream that can no longer be written end in nothing, so that neither the next line nor Python's exit fails."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def errors_kept_back() -> Iterator[None]:
    """Keep back what is written to the error output inside the block, by C++ as well; show it should the block fail."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        except BaseException:
            file.seek(0)
            os.write(kept, file.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


class UnfailingStream:
    """An output that falls silent where it would fail: the pipe was closed, the disk of the log is full."""

    def __init__(self, stream: Any):
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except UnicodeEncodeError as error:
            return self.stream.write(text.encode(error.encoding, "replace").decode(error.encoding))
        except OSError:
            silence(self.stream)
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except OSError:
            silence(self.stream)


@contextmanager
def unfailing_output() -> Iterator[None]:
    """Nothing that is printed inside can raise: a run of hours does not end because nobody reads its lines."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(UnfailingStream, before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = before
