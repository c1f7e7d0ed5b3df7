"""A mistake: what to find in a room of numpy_gpt, and what to put in its place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """The text `find`, which occurs once in numpy_gpt/`file`, is replaced by `put`."""

    name: str
    why: str  # why it is tempting
    file: str
    find: str
    put: str
    report: str  # part of the report's first line; "" if nothing that the report compares can show the mistake
    first_test: str = ""  # the test file to run first, where the one that belongs to `file` does not notice
