"""How files are written here, whole or not at all, and how JSON is read: one way for each."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

MAX_JSON = 64 << 20  # bytes; a tokenizer of a million tokens takes fewer


def expanded(path: str | os.PathLike) -> Path:
    """The path with the home folder that a ~ stands for. Where there is no such person, ~nobody is a name like any other."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
    """Let an error of the disk name this file: of a write to a full disk, or a read of a failing one, Python names none."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextmanager
def written_beside(path: str | os.PathLike, before_naming: Callable[[], object] = lambda: None) -> Iterator[BinaryIO]:
    """A binary file to write. It takes the name `path` when the block ends, whole and flushed to the disk; after an error
    nothing is left of it. `before_naming` is called in between. Raises FileExistsError for the name of a folder, a pipe or a
    device, which would be lost: root can give even /dev/null to a file."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path} is there and is no plain file; take another name.")
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with naming(path), open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        before_naming()
        os.replace(beside, path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename == str(beside):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def read_json(path: str | os.PathLike, error: type[ValueError] = ValueError) -> dict[str, Any]:
    """The object in a JSON file. Raises FileNotFoundError, or `error` with the file's name for anything but an object."""
    path = Path(path)
    if (size := path.stat().st_size) > MAX_JSON:
        raise error(
            f"{path} has {size} bytes, more than any JSON file here (at most {MAX_JSON}); is it the right file?"
        )
    try:
        with naming(path):
            return parse_json(path.read_bytes())
    except ValueError as problem:
        raise error(f"{path} {problem}; fetch or copy it again.") from problem


def parse_json(data: bytes) -> dict[str, Any]:
    """The object that some JSON holds. The ValueError says only what is wrong; the caller puts the file's name in front."""
    value = parse_json_value(data)
    if not isinstance(value, dict):
        raise ValueError(f"holds a JSON {type(value).__name__} where an object is expected")
    return value


def parse_json_value(data: bytes) -> Any:
    """The same for any kind of value. The ValueError's cause tells the place, where there is one."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not valid JSON ({error})") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(unique := dict(pairs)) < len(pairs):
        raise ValueError("a key comes twice")
    return unique
