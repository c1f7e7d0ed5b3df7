"""How files are written and read: whole or absent, and JSON that is damaged gives one sentence with the file's name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_gpt import files
from shared_gpt.checkpoints import CheckpointError
from shared_gpt.files import parse_json, read_json, written_beside

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(texts, inside, max_size=3),
)


@given(st.dictionaries(texts, values, max_size=4))
def test_objects_come_back(data):
    assert parse_json(json.dumps(data).encode("utf-8")) == data
    assert parse_json(json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8")) == data


@given(st.dictionaries(texts, values, min_size=1, max_size=4), st.data())
def test_an_object_that_is_cut_short_is_refused(data, draw):
    text = json.dumps(data).encode("utf-8")
    with pytest.raises(ValueError, match="is not valid JSON"):
        parse_json(text[: draw.draw(st.integers(0, len(text) - 1))])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not valid JSON"),
        (b"\xff{}", "is not valid JSON"),
        (b'{"a": 1, "b": {"c": 2, "c": 3}}', "a key comes twice"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is not valid JSON"),
        (b"[1, 2]", "holds a JSON list where an object is expected"),
        (b"null", "holds a JSON NoneType where an object is expected"),
    ],
)
def test_damaged_json_is_one_sentence_of_the_kind_asked_for(content, says, tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    for error in (ValueError, CheckpointError):
        with pytest.raises(error, match=f"config.json .*{says}.*; fetch or copy it again") as raised:
            read_json(path, error)
        assert type(raised.value) is error
        assert "\n" not in str(raised.value)


def test_a_file_too_large_to_be_meant_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    path.write_bytes(b'{"a": 1}')
    monkeypatch.setattr(files, "MAX_JSON", 8)
    assert read_json(path) == {"a": 1}
    monkeypatch.setattr(files, "MAX_JSON", 7)
    with pytest.raises(ValueError, match=r"config\.json has 8 bytes, more than .*\(at most 7\)"):
        read_json(path)


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"old")

    def write_half():
        with written_beside(path) as file:
            file.write(b"half of the new")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_half()
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {"weights": b"old"}
    with written_beside(path) as file:
        file.write(b"new")
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {"weights": b"new"}
