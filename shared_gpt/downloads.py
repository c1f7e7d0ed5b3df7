"""How files are downloaded: once, resumed after a break, checked, from the first address that has them."""

import hashlib
import http.client
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared_gpt.files import expanded

TIMEOUT = 20.0  # seconds without a byte before a connection counts as dead
ATTEMPTS = 3  # in a row that brought no new byte, for one address
SHORT_WAIT = 0.25  # seconds; what refuses a connection will not soon accept one
HEX_DIGITS_SHOWN = 12


class DownloadError(OSError):
    """A file that no address gave, or that cannot be written. The message says where to put it by hand; `reason` is the last
    failure alone."""

    reason = ""


def cache_folder() -> Path:
    """Where downloads are kept: in NUMPY_GPT_CACHE if it is set, else in the system's folder for caches."""
    if chosen := os.environ.get("NUMPY_GPT_CACHE"):
        return expanded(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("numpy_gpt", appauthor=False)


def sha256_of(path: str | os.PathLike) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def fetch(name: str, urls: Sequence[str], sha256: str | None, folder: str | os.PathLike, wait: float = 1.0) -> Path:
    """The path of the file `name` in `folder`, downloaded from the first of `urls` that gives the right bytes.

    A file that is already there, put by hand or downloaded earlier, is used if its SHA-256 is right (None: unchecked, for
    formats with checksums of their own). What an interrupted download leaves is kept as `name`.part and resumed, by the
    next attempt (after `wait` seconds, then twice as long) or the next call. If several processes ask at once, one
    downloads and the others wait for it.
    Raises ValueError for a file that is there with other bytes, DownloadError if no address gives the right ones.
    """
    from filelock import FileLock

    path = expanded(folder) / name
    if path.exists():
        return _checked(path, sha256)
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(name + ".lock")).acquire()
    with lock, _download_bar(name) as report:
        if path.exists():
            return _checked(path, sha256)
        part = path.with_name(name + ".part")
        failures = []
        for url in urls:
            failure = _download(url, part, sha256, wait, report)
            if not failure:
                with _writing(path):
                    os.replace(part, path)
                return path
            failures.append(f"{url}: {failure}")
    error = DownloadError(f"{name} could not be downloaded ({'; '.join(failures)}); put the file by hand at {path}.")
    error.reason = f"{name}: {failure}"
    raise error


def why_unreachable(url: str, attempts: int = ATTEMPTS, timeout: float = 5.0) -> str:
    """What keeps a server from answering, after short retries; "" if it answers, be it with an error."""
    failure = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(SHORT_WAIT)
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=timeout).close()
            return ""
        except urllib.error.HTTPError:
            return ""
        except (OSError, http.client.HTTPException) as error:
            failure = str(getattr(error, "reason", error)) or type(error).__name__
            if isinstance(getattr(error, "reason", error), TimeoutError):
                break  # to wait as long again would tell nothing new
    return failure


def _checked(path: Path, sha256: str | None) -> Path:
    if sha256 and (found := sha256_of(path)) != sha256:
        raise ValueError(
            f"{path} has SHA-256 {found[:HEX_DIGITS_SHOWN]}… where {sha256[:HEX_DIGITS_SHOWN]}… is expected; "
            "delete it to have it downloaded again, or put the right file there."
        )
    return path


def _download(url: str, part: Path, sha256: str | None, wait: float, report: Callable) -> str:
    """Fill `part` from one address. Returns "" once its bytes are right, else what went wrong."""
    failure, barren, refused, most = "", 0, False, part.stat().st_size if part.exists() else 0
    if most and sha256 and sha256_of(part) == sha256:
        return ""
    while barren < ATTEMPTS:
        if barren:
            time.sleep(min(wait, SHORT_WAIT) if refused else wait * 2 ** (barren - 1))
        try:
            resumed = _receive(url, part, report)
            if sha256 is None or (found := sha256_of(part)) == sha256:
                return ""
            part.unlink()
            failure = f"its bytes have SHA-256 {found[:HEX_DIGITS_SHOWN]}… instead of {sha256[:HEX_DIGITS_SHOWN]}…"
            if not resumed:
                return failure
        except DownloadError:
            raise
        except urllib.error.HTTPError as error:
            failure, refused = f"HTTP {error.code} {error.reason}", False
            if error.code == 416:  # nothing comes after the bytes we have, so they are not the beginning of this file
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                return failure
        except ValueError as error:  # an address that a server redirects to
            return f"{str(error)[:200]!a}"
        except (OSError, http.client.HTTPException) as error:
            failure = str(getattr(error, "reason", error)) or type(error).__name__
            refused = isinstance(error, urllib.error.URLError)  # the error of a connection that was never made
            unreachable = socket.gaierror, TimeoutError  # as the reason of another error: while connecting
            if isinstance(getattr(error, "reason", None), unreachable):
                return failure
        size = part.stat().st_size if part.exists() else 0
        barren, most = (0 if size > most else barren + 1), max(size, most)
    return failure


def _receive(url: str, part: Path, report: Callable) -> bool:
    """Append what `part` lacks, or write it from the start if the server cannot resume. Returns whether it was resumed."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "numpy-gpt"} | ({"Range": f"bytes={start}-"} if start else {})
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as response:
        if response.status != 206:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise ConnectionError(f"asked for bytes from {start}, got {response.headers.get('Content-Range')!r}")
        length = response.headers.get("Content-Length")
        if length and not re.fullmatch("[0-9]{1,18}", length):
            raise ConnectionError(f"the server's Content-Length is {length[:40]!r}, which is no number of bytes")
        total = start + int(length) if length else None
        done = start
        with _writing(part):
            file = open(part, "ab" if start else "wb")  # noqa: SIM115 (closed by the next line)
        with file:
            report(done, total)
            while piece := response.read1(1 << 16):
                with _writing(part):
                    file.write(piece)
                done += len(piece)
                report(done, total)
            with _writing(part):
                file.flush()
                os.fsync(file.fileno())
    if total is not None and done < total:
        raise ConnectionError(f"the connection broke off after {done} of {total} bytes")
    return start > 0


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Tell errors of the disk from errors of the network: only the latter are worth another attempt."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DownloadError(
            f"{path} cannot be written ({reason}); make room, or set NUMPY_GPT_CACHE to another folder."
        ) from error


@contextmanager
def _download_bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = BarColumn(bar_width=20), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    bar = Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True))
    task = bar.add_task(name, total=None)

    def report(done: int, total: int | None) -> None:
        bar.start()  # at the first byte; where none comes, no empty line stands before the error
        bar.update(task, completed=done, total=total)

    try:
        yield report
    finally:
        if bar.live.is_started:
            bar.stop()
