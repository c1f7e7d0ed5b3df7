"""Lists written as text, so that long ones stay readable."""


def listed(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


def phrases(text: str) -> list[str]:
    """The parts of a text between its semicolons; line breaks count as spaces."""
    return [" ".join(part.split()) for part in text.split(";")]


def paired(text: str) -> list[tuple[str, ...]]:
    """The words of a text, each split at its slash: 'go/went see/saw' gives (go, went) and (see, saw)."""
    return [tuple(word.split("/")) for word in text.split()]


def lines(text: str) -> list[str]:
    """The lines of a text."""
    return text.strip().splitlines()
