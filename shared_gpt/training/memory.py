"""Memory kept from step to step: what one training step frees, the next one takes.

A step allocates its activations and gradients anew. The C library of Linux hands large freed blocks back to the system,
which then gives them out again page by page, zeroed: at GPT-2's 124M shape 70,000 page faults in every step.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h


def keep_freed_memory() -> bool:
    """Make this process keep what it frees. Returns whether it could (with glibc alone).

    It holds for the whole process, so whatever trains asks for it (AdamW does), not importing: a program that loads a large
    model once and then does something else gives back what it frees.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library, such as musl
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, -1))
