"""A mistake: what to find in a room of numpy_gpt, and what to put in its place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """`find`, which occurs once in numpy_gpt/`file`, is replaced by `put`. `near`: the test file to run first, if the one
    that belongs to the room has nothing to say to it."""

    name: str
    why: str
    file: str
    find: str
    put: str
    told: str
    near: str = ""
