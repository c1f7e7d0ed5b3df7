#!/usr/bin/env python3
"""python run.py demo | test | bench | notebooks | exercises [options]: makes .venv, installs what the command needs, runs it.

Where Python has another name: `py run.py demo` on Windows, `python3 run.py demo` on most other systems.

    demo       compare the NumPy GPT with its PyTorch twin, then train the NumPy GPT on the stories (about 90 s)
    test       lint, then the whole suite
    bench      measure speed and memory, beside what a user would take instead
    notebooks  open the course in JupyterLab
    exercises  write the GPT yourself, piece by piece: makes my_gpt/ and shows the path

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
EXTRAS = {"demo": ["torch"], "test": ["test"], "bench": ["bench"], "notebooks": ["notebooks"]}
EXTRAS["exercises"] = ["exercises"]
DISK = {
    "torch": "1 GB",
    "test": "3.5 GB",
    "bench": "1.2 GB",
    "notebooks": "3 GB",
    "exercises": "300 MB",
}  # with PyTorch for the CPU


def main() -> int:
    command, *options = sys.argv[1:] or [""]
    if command not in EXTRAS:
        print(__doc__.strip(), file=sys.stderr)
        return 0 if command in ("-h", "--help") else 2
    if sys.version_info < (3, 10):
        print(f"This is Python {sys.version.split()[0]}; use 3.10 or newer.", file=sys.stderr)
        return 2
    try:
        install(EXTRAS[command])
        commands = {"demo": demo, "test": test, "bench": bench, "notebooks": notebooks, "exercises": exercises}
        return commands[command](options)
    except subprocess.CalledProcessError as error:
        print(f"`{' '.join(map(str, error.cmd))}` failed with status {error.returncode}; see above.", file=sys.stderr)
        return error.returncode
    except KeyboardInterrupt:
        return 130


def demo(options: list[str]) -> int:
    return python("-m", "parity_tests") or python("-m", "numpy_gpt", "demo", *options)


def test(options: list[str]) -> int:
    lint = python("-m", "ruff", "check", ".") or python("-m", "ruff", "format", "--check", ".")
    return lint or python("-m", "pytest", "-n", "2", "--dist", "loadfile", *options)


def bench(options: list[str]) -> int:
    return python("-m", "benchmarks", *options)


def notebooks(options: list[str]) -> int:
    return python("-m", "jupyterlab", "notebooks/00_tour.ipynb", *options)


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


def python(*args: str) -> int:
    """Run the Python of .venv and return its exit status."""
    utf8 = os.environ | {
        "PYTHONIOENCODING": "utf-8"
    }  # in a pipe Windows would choose a code page without Greek letters
    try:
        return subprocess.run([PYTHON, *args], cwd=ROOT, env=utf8).returncode
    except KeyboardInterrupt:  # Ctrl-C has reached the child too, and it has said what there is to say
        return 130


def install(extras: list[str]) -> None:
    """Install the extras into .venv. A stamp of the files that decide what that means makes the next time instant."""
    wanted = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    stamp = VENV / f"installed-{'-'.join(extras)}"
    digest = hashlib.sha256(wanted + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return
    make_venv()
    size = max(DISK[extra] for extra in extras)
    print(
        f"Installing numpy-gpt[{','.join(extras)}], once: about {size} on the disk"
        + (
            "."
            if extras == ["exercises"]
            else ", most of it PyTorch's and TensorFlow's; with PyTorch for CUDA, which pip takes on Linux, several GB more."
        ),
        flush=True,
    )
    package = f"{ROOT}[{','.join(extras)}]"
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", ROOT / "constraints.txt", "--editable", package], check=True)
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
