#!/usr/bin/env python3
"""python run.py demo | read | notebooks | exercises | test | bench [options]: makes .venv, installs what it needs, runs it.

Where Python has another name: `py run.py demo` on Windows, `python3 run.py demo` on most other systems.

    demo       compare the NumPy GPT with its PyTorch twin, then watch the NumPy GPT learn (about 90 s)
    read       both sources side by side, in the browser
    notebooks  the course, in JupyterLab
    exercises  write the GPT yourself, piece by piece: makes my_gpt/ and shows the path
    test       lint, then the whole suite
    bench      measure speed and memory, beside what a user would take instead

Options after the command are passed on: `python run.py test -k attention`.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CUDA = "; with PyTorch for CUDA, which pip takes on Linux, several GB more"
INSTALLS = {  # the extra of pyproject.toml that a command needs, and what it takes on the disk
    "demo": ("torch", f"1 GB, most of it PyTorch's{CUDA}"),
    "read": ("reader", f"1 GB, most of it PyTorch's{CUDA}"),
    "notebooks": ("notebooks", f"3 GB, most of it PyTorch's and TensorFlow's{CUDA}"),
    "exercises": ("exercises", "300 MB"),
    "test": ("test", f"3.5 GB, most of it PyTorch's and TensorFlow's{CUDA}"),
    "bench": ("bench", f"3 GB, most of it PyTorch's and TensorFlow's{CUDA}"),
}


def main() -> int:
    command, *options = sys.argv[1:] or [""]
    if command not in INSTALLS:
        print(__doc__.strip(), file=sys.stderr)
        return 0 if command in ("-h", "--help") else 2
    if sys.version_info < (3, 10):
        print(f"This is Python {sys.version.split()[0]}; use 3.10 or newer.", file=sys.stderr)
        return 2
    try:
        install(*INSTALLS[command])
        return globals()[command](options)
    except subprocess.CalledProcessError as error:
        print(f"`{' '.join(map(str, error.cmd))}` failed with status {error.returncode}; see above.", file=sys.stderr)
        return error.returncode
    except KeyboardInterrupt:
        return 130


def demo(options: list[str]) -> int:
    return python("-m", "parity_tests", "--brief") or python("-m", "numpy_gpt", "demo", *options)


def read(options: list[str]) -> int:
    return python("-m", "reader", "build", "build/site", "--open", *options)


def notebooks(options: list[str]) -> int:
    return python("-m", "jupyterlab", "--LabApp.default_url=/lab/tree/notebooks/00_tour.ipynb", *options)


def exercises(options: list[str]) -> int:
    """The path; at first, with its first exercise begun. Any other command of gpt-exercise, where one is given."""
    if options:
        return python("-m", "exercises", *options)
    if not (ROOT / "my_gpt").exists():
        python("-m", "exercises", "start")
    status = python("-m", "exercises", "list")
    folder = PYTHON.parent.relative_to(ROOT)
    print(f"gpt-exercise lies in {folder}; without it: python run.py exercises check, and so on.")
    return status


def test(options: list[str]) -> int:
    lint = python("-m", "ruff", "check", ".") or python("-m", "ruff", "format", "--check", ".")
    return lint or python("-m", "pytest", "-n", "2", "--dist", "loadfile", *options)


def bench(options: list[str]) -> int:
    return python("-m", "benchmarks", *options)


def python(*args: str) -> int:
    """Run the Python of .venv and return its exit status."""
    # In a pipe Windows would choose a code page without Greek letters.
    utf8 = os.environ | {"PYTHONIOENCODING": "utf-8"}
    try:
        return subprocess.run([PYTHON, *args], cwd=ROOT, env=utf8).returncode
    except KeyboardInterrupt:  # Ctrl-C has reached the child too, and it has said what there is to say
        return 130


def install(extra: str, size: str) -> None:
    """Install the extra into .venv. A stamp of the files that decide what that means makes the next time instant."""
    wanted = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    stamp = VENV / f"installed-{extra}"
    digest = hashlib.sha256(wanted + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return
    make_venv()
    print(f"Installing numpy-gpt[{extra}], once: about {size}.", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", ROOT / "constraints.txt", "--editable", f"{ROOT}[{extra}]"], check=True)
    stamp.write_text(digest, encoding="utf-8")


def make_venv() -> None:
    """Make .venv, unless it is there and whole: an interrupted set-up leaves one without pip."""
    if PYTHON.exists():
        pip = subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True)
        if pip.returncode == 0:
            return
        print(".venv has no pip: its set-up was interrupted. Making it anew ...", flush=True)
    else:
        print("Making .venv ...", flush=True)
    venv.create(VENV, with_pip=True, clear=VENV.exists())


if __name__ == "__main__":
    sys.exit(main())
