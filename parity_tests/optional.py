"""TensorFlow for tests that ask it among others: a test that touches it is skipped where it is not installed."""

import importlib
import importlib.util
from typing import Any

import pytest


class Optional:
    """A module that is imported when the first of its names is asked for."""

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        if importlib.util.find_spec("tensorflow") is None:
            pytest.skip("TensorFlow is not installed, which has no wheels for the newest Python.")
        return getattr(importlib.import_module(self.name), attribute)


tf, keras, tensorflow_gpt = map(Optional, ("tensorflow", "keras", "tensorflow_gpt"))
