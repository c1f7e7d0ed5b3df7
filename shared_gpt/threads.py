"""Tasks shared among the processor's cores, for NumPy: PyTorch does this by itself.

NumPy's products run on all cores, each ufunc on one. But a ufunc lets go of the interpreter's lock while it works, so
several threads can have one in hand, each on its own part of the arrays.
"""

import contextvars
import functools
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

LIMITS = (
    "NUMPY_GPT_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
)  # the first one counts


def number_of_threads() -> int:
    """How many threads share the work: as many as the environment allows, by default one for
    each core of this process."""
    for name in LIMITS:
        limit = os.environ.get(name, "")
        if limit.isdigit() and int(limit) > 0:
            return int(limit)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


THREADS = number_of_threads()


@functools.cache
def helpers() -> Any:
    """The threads besides the one that asks, made when they are first needed."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max(THREADS - 1, 1), "numpy_gpt")


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=helpers.cache_clear)


def for_each(function: Callable[..., None], tasks: Iterable[tuple]) -> None:
    """function(*task) for every task, on all threads at once, in no certain order.

    A task must write where no other reads or writes. What one raises is raised here.
    """
    waiting = deque(tasks)

    def work() -> None:
        while waiting:
            try:
                task = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                function(*task)
            except BaseException:
                waiting.clear()  # nobody begins another
                raise

    wanted = min(THREADS, len(waiting)) - 1
    others = [helpers().submit(contextvars.copy_context().run, work) for _ in range(wanted)]
    try:
        work()
    finally:
        for other in others:
            if not other.cancel():  # one that has not begun is not waited for: nothing is left
                other.result()
