"""Ctrl-C during a run, or its terminal closed: finish the step that is under way, then stop; a second Ctrl-C stops at once."""

import os
import signal
import sys
import threading
from contextlib import suppress

NOTICE = b"\nFinishing this step, then saving; Ctrl-C again stops at once, without saving.\n"


class StopRequest:
    """`with StopRequest() as stop:` makes Ctrl-C, the SIGTERM by which a scheduler ends a job, and the SIGHUP of a terminal that
    is closed set `stop.requested`, and says so at once where `notify` holds. Under nohup SIGHUP stays ignored."""

    def __init__(self, notify: bool = True):
        self.requested, self.notify = False, notify

    def __enter__(self) -> "StopRequest":
        self._previous = {}
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            numbers = [signal.SIGINT, signal.SIGTERM]
            if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
                numbers.append(signal.SIGHUP)
            for number in numbers:
                self._previous[number] = signal.signal(number, self._request)
        return self

    def _request(self, number, frame) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        if self.notify:
            with suppress(OSError, ValueError, AttributeError):  # not print, which the signal may have interrupted
                os.write(sys.stderr.fileno(), NOTICE)

    def __exit__(self, *exception) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
