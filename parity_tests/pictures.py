"""The pictures in docs/.

python -m parity_tests.pictures             # makes them all anew: about a minute
python -m parity_tests.pictures parity      # one of them

Each holds in its metadata what it was drawn from, so that a test can tell when the code shows something else by now.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from PIL import Image, PngImagePlugin

from parity_tests.report.curve import Curve
from parity_tests.report.report import Report
from shared_gpt.plots import plot_losses
from shared_gpt.training.run_folder import RunFolder

DOCS = Path(__file__).resolve().parents[1] / "docs"
VERDICT = DOCS / "runs" / "the-verdict"
SOURCE = "Source"  # the key of the metadata


def draw_report(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Report(out=Path(folder), brief=True).run()
        (Path(folder) / "parity.png").replace(path)


def source_of_report() -> str:
    """The sizes and the rows. The errors are left out: rounding differs from machine to machine."""
    report = Report()
    subject = report.subject()
    entries = [entry for comparison in report.compare(subject) for entry in comparison.entries]
    rows = dict.fromkeys(f"{entry.section}: {entry.name}, {entry.quantity}, {entry.precision}" for entry in entries)
    return json.dumps({"config": subject.config.to_dict(), "rows": list(rows)})


def draw_curve(lora: bool) -> Callable[[Path], None]:
    return lambda path: Curve(lora=lora, out=path).run()


def source_of_curve(lora: bool) -> Callable[[], str]:
    """The options, and the first losses, which feel every change of the text, the batches, the weights and the other settings."""
    curve = Curve(lora=lora)
    options = {name: value for name, value in asdict(curve).items() if name != "out"}
    return lambda: json.dumps(options | {"losses": [round(loss, 6) for loss in islice(curve.losses("NumPy"), 3)]})


def draw_verdict(path: Path) -> None:
    plot_losses({VERDICT.name: RunFolder(VERDICT).rows()}, path)


def source_of_verdict() -> str:
    return hashlib.sha256((VERDICT / "metrics.csv").read_bytes().replace(b"\r\n", b"\n")).hexdigest()


PICTURES: dict[Path, tuple[Callable[[Path], None], Callable[[], str]]] = {
    DOCS / "images" / "parity.png": (draw_report, source_of_report),
    DOCS / "images" / "curve.png": (draw_curve(False), source_of_curve(False)),
    DOCS / "images" / "curve_lora.png": (draw_curve(True), source_of_curve(True)),
    VERDICT / "loss.png": (draw_verdict, source_of_verdict),
}


def stamp(path: Path, source: str) -> None:
    """Write into a PNG file what it was drawn from."""
    information = PngImagePlugin.PngInfo()
    information.add_text(SOURCE, source)
    with Image.open(path) as image:
        image.save(path, pnginfo=information, optimize=True)


def stamped(path: Path) -> str:
    """What a PNG file says it was drawn from; "" where it says nothing."""
    with Image.open(path) as image:
        return image.info.get(SOURCE, "")


def main(names: list[str]) -> None:
    if unknown := set(names) - {path.stem for path in PICTURES}:
        sys.exit(f"There is no picture {', '.join(sorted(unknown))}; there are {', '.join(p.stem for p in PICTURES)}.")
    for path, (draw, source) in PICTURES.items():
        if names and path.stem not in names:
            continue
        draw(path)
        stamp(path, source())
        print(path.relative_to(DOCS.parent))


if __name__ == "__main__":
    main(sys.argv[1:])
