#!/usr/bin/env python3
"""python run.py demo | read | test | bench [options]: makes .venv, installs what the command needs, runs it.

Where Python has another name: `py run.py demo` on Windows, `python3 run.py demo` on most other systems.

    demo    compare the NumPy GPT with its PyTorch twin, then train the NumPy GPT on the stories (about 90 s)
    read    build the pages with both sources side by side, and open them in the browser
    test    lint, then the whole suite
    bench   measure speed and memory, beside what a user would take instead

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
EXTRAS = {"demo": ["torch"], "read": ["reader"], "test": ["test"], "bench": ["bench"]}
DISK = {"torch": "1 GB", "reader": "1 GB", "test": "3.5 GB", "bench": "1.2 GB"}  # with PyTorch for the CPU


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
        return {"demo": demo, "read": read, "test": test, "bench": bench}[command](options)
    except subprocess.CalledProcessError as error:
        print(f"`{' '.join(map(str, error.cmd))}` failed with status {error.returncode}; see above.", file=sys.stderr)
        return error.returncode
    except KeyboardInterrupt:
        return 130


def demo(options: list[str]) -> int:
    return python("-m", "parity_tests") or python("-m", "numpy_gpt", "demo", *options)


def read(options: list[str]) -> int:
    return python("-m", "reader", "build", "build/site", "--open", *options)


def test(options: list[str]) -> int:
    lint = python("-m", "ruff", "check", ".") or python("-m", "ruff", "format", "--check", ".")
    return lint or python("-m", "pytest", "-n", "2", "--dist", "loadfile", *options)


def bench(options: list[str]) -> int:
    return python("-m", "benchmarks", *options)


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
        f"Installing numpy-gpt[{','.join(extras)}], once: about {size} on the disk, most of it PyTorch's and TensorFlow's; "
        "with PyTorch for CUDA, which pip takes on Linux, several GB more.",
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
