"""Where an exception was raised, in words for the person whose code it is."""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy_gpt


class StudentError(Exception):
    """A student's file that cannot be run; the message says where and why."""


class GaveNoneError(TypeError):
    """A student's function that gave nothing; the message says where."""


def place_of(function: Callable) -> str:
    """`your mine.py, line 12`."""
    code = getattr(function, "__code__", None)
    return f"your {Path(code.co_filename).name}, line {code.co_firstlineno}" if code else "your code"


def where_raised(error: BaseException, files: Sequence[Path]) -> str:
    """`your mine.py, line 41, in backward: ValueError: …`, with the line of code below it.

    That is the innermost line in one of the files, or, if the error went through none of them, in numpy_gpt. An error that went
    through neither is raised again where no student's files are, and else told without a place.
    """
    if isinstance(error, GaveNoneError):
        return str(error)
    own = {str(path.resolve()) for path in files}
    package = str(Path(numpy_gpt.__file__).parent)
    frames = list(traceback.extract_tb(error.__traceback__))
    if isinstance(error, SyntaxError) and error.filename and str(Path(error.filename).resolve()) in own:
        frames = [traceback.FrameSummary(error.filename, error.lineno, "", line=(error.text or "").strip())]
    student = [frame for frame in frames if str(Path(frame.filename).resolve()) in own]
    inner = [frame for frame in frames if frame.filename.startswith(package)]
    if not student and not inner:
        if files:
            return f"{type(error).__name__}: {error}"
        raise error
    frame = (student or inner)[-1]
    file = f"your {Path(frame.filename).name}" if student else f"numpy_gpt/{Path(frame.filename).relative_to(package)}"
    place = f"{file}, line {frame.lineno}" + (f", in {frame.name}" if frame.name not in ("", "<module>") else "")
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    line = "" if not frame.line or frame.line.startswith("raise") else f"\n    {frame.line}"
    return f"{place}: {type(error).__name__}: {message}{line}"
