"""What a judge says: whether a file passed, and what was found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """One finding: where, what kind of mistake it is likely to be, and two numbers (or texts) that differ."""

    where: str
    likely: str = ""
    yours: str = ""
    expected: str = ""
    in_model: str = ""  # how the report tells it, for the whole model


@dataclass(frozen=True)
class Verdict:
    """What came of a file."""

    exercise: str
    state: str  # "passed", "wrong", "not written", "refused" or "not begun"
    found: tuple[Found, ...] = ()
    said: str = ""  # one sentence for what was not run, or on what passed
    ran: str = ""
    printed: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return self.state == "passed"

    @property
    def first(self) -> str:
        """The first finding in one line."""
        if not self.found:
            return self.said
        one = self.found[0]
        return one.where + (f"; likely {one.likely}" if one.likely else "")
