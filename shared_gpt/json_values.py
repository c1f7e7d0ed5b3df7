"""Values that come from a JSON file, held against the types that the code states for them: one sentence names what is wrong."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from math import isinf
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "text",
    dict: "an object",
    list: "a list",
    tuple: "a list",
    type(None): "null",
}


def entry(data: Mapping[str, Any], key: str, kind: Any, where: Any, error: type[ValueError] = ValueError) -> Any:
    """The value under a key that must be there and be of a kind (a type as in an annotation). where: the file, for messages."""
    if key not in data:
        raise error(f"{where} has no key {key!r}; take the file as the program wrote it.")
    if not fits(data[key], kind):
        raise error(f"{where}: {key!r} is {short(data[key])}, where {in_words(kind)} is expected.")
    return data[key]


def check_fields(data: Mapping[str, Any], made: type, where: Any, error: type[ValueError] = ValueError) -> None:
    """Refuse keys that a dataclass lacks, and values that are not of its fields' types. Keys may be missing."""
    hints = get_type_hints(made)
    for key in data:
        if key not in hints:
            raise error(f"{where} has the unknown key {short(key)}; known are {', '.join(hints)}.")
        if is_dataclass(hints[key]) and isinstance(data[key], dict):
            check_fields(data[key], hints[key], f"{where}: {key!r}", error)
        else:
            entry(data, key, hints[key], where, error)


def build(made: type[T], data: Mapping[str, Any], where: Any, error: type[ValueError] = ValueError) -> T:
    """The dataclass that the values make. Raises `error` for unknown, missing and wrong ones."""
    check_fields(data, made, where, error)
    for field in fields(made):
        if field.default is MISSING and field.default_factory is MISSING:
            entry(data, field.name, Any, where, error)
    try:
        return made(**data)
    except ValueError as problem:
        raise error(f"{where}: {problem}") from None


def fits(value: Any, kind: Any) -> bool:
    """Whether a value as JSON gives it is of a type. A whole number is a number, but true is none."""
    origin, inside = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in inside)
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in inside)
    if origin in (list, tuple):
        return isinstance(value, list) and all(fits(part, inside[0]) for part in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(part, inside[1]) for part in value.values())
    if kind is float:
        return type(value) is float or (type(value) is int and not isinf(as_float(value)))
    return type(value) is (str if kind is Path else dict if is_dataclass(kind) else kind)


def as_float(number: int) -> float:
    """A whole number as a float: infinite where it is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def in_words(kind: Any) -> str:
    """A type for a person to read."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(in_words, inside))
    if origin is Literal:
        return f"one of {', '.join(map(str, inside))}"
    if origin in (list, tuple):
        return f"a list of {WORDS[inside[0]].removeprefix('a ')}" if inside[0] in WORDS else "a list"
    return WORDS.get(origin or kind, "an object")


def short(value: Any, most: int = 60) -> str:
    """A value in a message: as Python writes it in ASCII, cut. Numbers of thousands of digits are not written out."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    text = ascii(value[:most] if isinstance(value, str) else value)
    return text if len(text) <= most + 2 else f"{text[:most]}…"
