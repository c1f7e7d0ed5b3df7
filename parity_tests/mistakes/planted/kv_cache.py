"""Mistakes in numpy_gpt/kv_cache.py: the length that a cache has reached."""

from parity_tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "the cache never grows",
        "keys and values are stored, and how many there are is not",
        "kv_cache.py",
        "        self.length = end\n",
        "",
        "the cache: ",
    ),
]
