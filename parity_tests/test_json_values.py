"""Values from a JSON file against the types that the code states."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_tests.test_files import values
from shared_gpt.checkpoints import CheckpointError
from shared_gpt.config import GPTConfig
from shared_gpt.json_values import build, check_fields, entry, fits, short
from shared_gpt.training.settings import TrainSettings


@dataclass(frozen=True)
class Inner:
    rank: int | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    share: float = 0.5
    way: Literal["a", "b"] = "a"
    targets: tuple[str, ...] = ()
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ("value", "kind", "good"),
    [
        (1, int, True), (True, int, False), (1.0, int, False), (1, float, True), (True, float, False),
        (10**400, float, False), (float("inf"), float, True), ("a", float, False), (None, int | None, True),
        ("a", Path, True), (["a"], tuple[str, ...], True), (["a", 1], tuple[str, ...], False), ("a", tuple[str, ...], False),
        ({"a": 1}, dict[str, float], True), ({"a": "1"}, dict[str, float], False), ("b", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False), (1, Literal[True], False), ({}, dict, True), ([], dict, False), ([1], Any, True),
    ],
)  # fmt: skip
def test_fits(value, kind, good):
    assert fits(value, kind) is good


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "x.json has no key 'name'"),
        ({"name": 3}, "x.json: 'name' is 3, where text is expected"),
        ({"name": "a", "nane": 3}, "x.json has the unknown key 'nane'; known are name, share"),
        ({"name": "a", "share": [1]}, "x.json: 'share' is a list of 1, where a number is expected"),
        ({"name": "a", "way": "c"}, "x.json: 'way' is 'c', where one of a, b is expected"),
        ({"name": "a", "targets": "c_attn"}, "x.json: 'targets' is 'c_attn', where a list of text is expected"),
        (
            {"name": "a", "inner": {"rank": "8"}},
            "x.json: 'inner': 'rank' is '8', where a whole number or null is expected",
        ),
        ({"name": "a", "inner": [8]}, "x.json: 'inner' is a list of 1, where an object is expected"),
        ({"name": "a", "share": 10**400}, "'share' is a number of 1329 bits"),
    ],
)
def test_one_sentence_names_file_and_key(data, says):
    with pytest.raises(CheckpointError) as raised:
        build(Outer, data, "x.json", CheckpointError)
    assert says in str(raised.value)


def problem_with(read) -> str | None:
    """The message of the ValueError that reading raises, or None."""
    try:
        read()
    except ValueError as error:
        return str(error)
    return None


@given(st.dictionaries(st.sampled_from(list(asdict(TrainSettings()))) | st.text(max_size=3), values, max_size=3))
def test_whatever_settings_say_is_taken_or_refused_by_name(data):
    if problem := problem_with(lambda: check_fields(data, TrainSettings, "training.json")):
        assert "training.json" in problem
        assert len(problem) < 1500
        assert problem.isprintable()
    else:
        TrainSettings(**data)


@given(st.dictionaries(st.sampled_from(list(GPTConfig.preset("124M").to_dict())), values))
def test_whatever_a_config_says_is_taken_or_refused_by_name(data):
    assert "config.json" in (problem_with(lambda: build(GPTConfig, data, "config.json")) or "config.json")


def test_what_was_written_comes_back():
    config = GPTConfig.preset("124M", drop_rate=0)
    assert build(GPTConfig, config.to_dict(), "") == config
    check_fields(asdict(TrainSettings(max_norm=float("inf"))), TrainSettings, "")


@given(values | st.text())
def test_a_value_in_a_message_is_short_and_printable(value):
    assert len(short(value)) < 200
    assert short(value).isprintable()


def test_a_kind_is_named():
    with pytest.raises(ValueError, match="'a' is None"):
        entry({"a": None}, "a", int, "x")
