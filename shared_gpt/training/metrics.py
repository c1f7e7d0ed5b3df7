"""The rows of metrics.csv, as a run wrote them."""

from pathlib import Path

from shared_gpt.files import naming

COLUMNS = ("step", "tokens", "lr", "grad_norm", "loss", "train_loss", "val_loss", "seconds")
Row = dict[str, float | int | None]


def read_metrics(path: Path) -> list[Row]:
    """All rows. A last line that a killed run left half written is passed over. Raises ValueError, with the line, for a file
    that is no longer as the run wrote it."""
    try:
        with naming(path):
            lines = path.read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start}); save it so, or remove it.") from None
    if lines and lines[0].split(",") != list(COLUMNS):
        raise ValueError(
            f"{path} begins with {lines[0][:60]!a} instead of its {len(COLUMNS)} columns ({COLUMNS[0]},{COLUMNS[1]}, …), as if "
            "a spreadsheet had saved it; mend it, or remove it."
        )
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            row = dict(zip(COLUMNS, map(_number, line.split(",")), strict=True))
            row["step"] = int(row["step"])
        except (TypeError, ValueError, OverflowError):
            if number == len(lines):
                break
            raise ValueError(
                f"{path}, line {number}, is {line[:60]!a} instead of {len(COLUMNS)} numbers; mend it, or remove it."
            ) from None
        rows.append(row)
    return rows


def _number(text: str) -> float | int | None:
    if text == "":
        return None
    return int(text) if text.isdecimal() else float(text)
