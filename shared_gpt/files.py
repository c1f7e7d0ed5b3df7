"""How files are written here, whole or not at all, and how JSON is read: one way for each."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

MAX_JSON = 64 << 20  # bytes; a tokenizer of a million tokens takes fewer


@contextmanager
def written_beside(path: str | os.PathLike, before_naming: Callable[[], object] = lambda: None) -> Iterator[BinaryIO]:
    """A binary file to write. It takes the name `path` when the block ends, whole and flushed to the disk; after an error
    nothing is left of it. `before_naming` is called in between."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        before_naming()
        os.replace(beside, path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(beside)):
            raise OSError(error.errno, error.strerror, str(path)) from error  # a full disk names no file by itself
        raise


def read_json(path: str | os.PathLike, error: type[ValueError] = ValueError) -> dict[str, Any]:
    """The object in a JSON file. Raises FileNotFoundError, or `error` with the file's name for anything but an object."""
    path = Path(path)
    if (size := path.stat().st_size) > MAX_JSON:
        raise error(
            f"{path} has {size} bytes, more than any JSON file here (at most {MAX_JSON}); is it the right file?"
        )
    try:
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
