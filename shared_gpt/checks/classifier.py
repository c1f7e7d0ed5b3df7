"""Checks of a classifier: how many classes it has."""


def check_classes(n_classes: int) -> None:
    """Refuse a class head with fewer than two classes to choose from."""
    if isinstance(n_classes, bool) or not isinstance(n_classes, int) or n_classes < 2:
        raise ValueError(f"There are {n_classes!r} classes; give data with at least 2.")
