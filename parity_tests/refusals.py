"""assert_refused: that both twins refuse a wrong call in the same words."""

import re

import numpy as np
import pytest
import torch

import numpy_gpt
import torch_gpt


def error_of(action) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the kind is looked at by the caller
        action()
    return caught.value


def assert_refused(action, says: str, kind: type[Exception] = ValueError) -> None:
    """Both twins raise this kind of error with the same one line, which matches `says`; action takes (twin, its array)."""
    errors = [error_of(lambda: action(numpy_gpt, np.asarray)), error_of(lambda: action(torch_gpt, torch.tensor))]
    for error in errors:
        assert type(error) is kind, error
        assert re.search(says, str(error)), error
        assert "\n" not in str(error)
    assert str(errors[0]) == str(errors[1])
