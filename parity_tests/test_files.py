"""How files are written and read: whole or absent, and JSON that is damaged gives one sentence with the file's name."""

import errno
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import twins
from shared_gpt import files
from shared_gpt.checkpoints import CheckpointError, save_tensors, stored
from shared_gpt.files import naming, parse_json, read_json, written_beside
from shared_gpt.text import load_text

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


def test_of_two_threads_that_write_one_file_each_writes_a_whole_one(tmp_path):
    """The second begins while the first is half done."""
    path, half_done, other_done = tmp_path / "weights", threading.Event(), threading.Event()

    def first():
        with written_beside(path) as file:
            file.write(b"first")
            file.flush()
            half_done.set()
            assert other_done.wait(20)
            file.write(b", whole")

    thread = threading.Thread(target=first)
    thread.start()
    assert half_done.wait(20)
    with written_beside(path) as file:
        file.write(b"second")
    assert path.read_bytes() == b"second"
    other_done.set()
    thread.join(20)
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {"weights": b"first, whole"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_is_no_plain_file_is_not_replaced(tmp_path):
    """Renaming a file over /dev/null would take it from every program of the machine."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with (
            pytest.raises(FileExistsError, match="is no plain file; take another name"),
            written_beside(tmp_path / name),
        ):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with written_beside(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").read_bytes() == b"new"


# An error of the disk names the file


def failing(*_):
    raise OSError(errno.EIO, "Input/output error")  # as reading does: without a name


def test_an_error_that_names_its_file_keeps_that_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.txt"), naming("other.txt"):
        (tmp_path / "absent.txt").read_bytes()
    with pytest.raises(OSError, match=r"\[Errno 5\] .*: 'other\.txt'"), naming("other.txt"):
        failing()
    with pytest.raises(OSError, match=r"^in one sentence$"), naming("other.txt"):
        raise OSError("in one sentence")


@pytest.mark.parametrize(
    ("layout", "name"), [("huggingface", "model.safetensors"), ("openai", "model.ckpt.data-00000-of-00001")]
)
def test_weights_on_a_failing_disk_are_named(layout, name, tmp_path, monkeypatch):
    config = GPTConfig(vocab_size=4, context_length=8, emb_dim=8, n_heads=2, n_layers=1)
    numpy_gpt.save_gpt2(twins(config, 0, "float32")[0], tmp_path, layout=layout)
    monkeypatch.setattr(stored, "read_at", failing)
    with pytest.raises(OSError, match=name):
        numpy_gpt.load_gpt2(tmp_path)


def test_a_disk_that_fails_while_more_is_written_is_heard(tmp_path, monkeypatch):
    """The disk begins before the last tensor is written, and says once that it failed."""
    said = iter([failing])
    monkeypatch.setattr(os, "fsync", lambda file: next(said, lambda file: None)(file))
    with pytest.raises(OSError, match=r"Input/output error: .*last\.safetensors"):
        save_tensors(tmp_path / "last.safetensors", {"a": np.ones(9), "b": np.ones(9)}, {})
    assert list(tmp_path.iterdir()) == []


def test_texts_on_a_failing_disk_are_named(tmp_path, monkeypatch):
    path = tmp_path / "story.json"
    path.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(OSError, match=r"story\.json"):
        read_json(path)
    if Path("/proc/self/mem").exists():  # a file of Linux's that fails as a disk does
        with pytest.raises(OSError, match=r"Input/output error: '/proc/self/mem'"):
            load_text("/proc/self/mem")
