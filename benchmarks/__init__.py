"""Speed and memory, beside what a user would take instead."""

import shared_gpt  # noqa: F401  as in docs/python.md: NumPy's threads are set before NumPy is imported
