"""Ctrl-C during a run: finish the step that is under way, then stop; a second Ctrl-C stops at once."""

import signal
import threading


class StopRequest:
    """`with StopRequest() as stop:` makes Ctrl-C, and the SIGTERM by which a scheduler ends a job, set `stop.requested`."""

    def __init__(self):
        self.requested = False

    def __enter__(self) -> "StopRequest":
        self._previous = {}
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._request)
        return self

    def _request(self, number, frame) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __exit__(self, *exception) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
