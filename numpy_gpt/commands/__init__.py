"""Every command by its name. Each is a dataclass: its fields are the options, and `run(twin)` does the work."""

ALL: dict[str, type] = {}
