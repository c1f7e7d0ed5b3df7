"""Run folders that were edited, damaged or taken apart: one line that names file and key, or a resume that loses nothing."""

import json
import os
import shutil

import numpy as np
import pytest

import numpy_gpt
from parity_tests.test_resume import run_until
from parity_tests.tiny_runs import resumed, tiny_run, trace
from shared_gpt.checkpoints import CheckpointError, load_tensors, save_tensors, stored
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile
from shared_gpt.cli import main
from shared_gpt.training import training_run
from shared_gpt.training.display import Display
from shared_gpt.training.run_folder import COLUMNS, RunFolder
from shared_gpt.training.state import read_state
from shared_gpt.training.training_run import TrainingRun


class Notes(Display):
    def __init__(self):
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def stopped(tmp_path):
    """A run that ended after step 7, with checkpoints of steps 6 and 3, and the same run whole."""
    whole = tiny_run(numpy_gpt, tmp_path / "whole")
    whole.run()
    run_until(tiny_run(numpy_gpt, tmp_path / "run"), 7)
    return RunFolder(tmp_path / "run"), trace(whole)


def flip(path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 4
    path.write_bytes(data)


# Checkpoints.


@pytest.mark.parametrize("where", [20, 900, -40])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(stopped, where):
    folder, whole = stopped
    flip(folder.last, where)
    notes = Notes()
    run = resumed(numpy_gpt, folder.path, display=notes)
    assert run.step == 3
    line, kept = notes.said
    assert "last.safetensors" in line
    assert line.endswith("Going on from the one before, previous.safetensors.")
    assert kept == "The damaged one is kept as last.unreadable.safetensors."
    run.run()
    assert trace(run) == whole


def test_a_damaged_checkpoint_never_takes_the_place_of_a_whole_one(stopped):
    """A run that went on from the one before, and is stopped before it has named its next one."""
    folder, whole = stopped
    flip(folder.last, -40)
    damaged = folder.last.read_bytes()
    run = resumed(numpy_gpt, folder.path, display=Notes())

    def stop():
        run.folder.__class__.keep_last(run.folder)
        raise OSError(28, "No space left on device")

    run.folder.keep_last = stop
    with pytest.raises(OSError, match=r"The last good checkpoint is .*previous\.safetensors \(step 3\); --resume"):
        run.run()
    assert folder.path.joinpath("last.unreadable.safetensors").read_bytes() == damaged
    again = resumed(numpy_gpt, folder.path, display=Notes())
    assert again.step == 3
    again.run()
    assert trace(again) == whole
    assert [load_tensors(path)[1]["step"] for path in folder.checkpoints()] == [12, 9]


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), FileNotFoundError(2, "No such file"), OSError(116, "Stale file handle")]
)
def test_a_checkpoint_that_the_disk_does_not_give_gives_way_to_the_one_before(stopped, error, monkeypatch):
    folder, whole = stopped
    number = folder.last.stat().st_ino
    real = stored.read_at

    def read_at(file, position, buffer):
        if os.fstat(file.fileno()).st_ino == number:
            raise error
        return real(file, position, buffer)

    monkeypatch.setattr(stored, "read_at", read_at)
    assert read_state(folder.checkpoints()).step == 6  # of the header, which the disk gives
    notes = Notes()
    run = resumed(numpy_gpt, folder.path, display=notes)
    assert run.step == 3
    assert "last.safetensors" in notes.said[0]
    run.run()
    assert trace(run) == whole


def test_a_header_that_the_disk_does_not_give_gives_way_to_the_one_before(stopped, monkeypatch):
    folder, _ = stopped
    real = SafetensorsFile.read_header

    def read_header(self):
        if self.path == folder.last:
            raise OSError(5, "Input/output error")
        return real(self)

    monkeypatch.setattr(SafetensorsFile, "read_header", read_header)
    assert read_state(folder.checkpoints()).step == 3
    with pytest.raises(OSError, match=r"last\.safetensors"):
        read_state([folder.last])


def test_a_checkpoint_that_may_not_be_read_is_the_owners_to_mend(stopped, monkeypatch):
    """Going on from the one before would lose steps that are there."""
    folder, _ = stopped

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(training_run, "load_tensors", refuse)
    with pytest.raises(PermissionError, match=r"last\.safetensors"):
        resumed(numpy_gpt, folder.path)
    assert folder.last.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder in which a file is open")
def test_a_folder_that_another_run_has_taken_is_left_alone(tmp_path):
    """`rm -r` during a run, and another run begun with the same --out."""
    path = tmp_path / "run"
    run = tiny_run(numpy_gpt, path)
    run.draw = lambda: TrainingRun.draw(run)
    run.folder.lock()
    theirs, left = RunFolder(path), {}

    def files():
        return {file.name: file.read_bytes() for file in path.iterdir()}

    def take(row):
        if row["step"] == 7:
            shutil.rmtree(path)
            theirs.lock()
            theirs.add_row({"step": 0, "tokens": 0, "train_loss": 3.0, "val_loss": 3.0, "seconds": 0.0})
            (path / "last.safetensors").write_bytes(b"theirs")
            left.update(files())

    run.watchers.append(take)
    says = r"Step 8: .*run was removed, and another process has begun one of this name.* with another --out\."
    with pytest.raises(OSError, match=says):
        run.run()
    assert files() == left  # no row, no checkpoint, no picture
    assert set(left) == {".lock", "metrics.csv", "last.safetensors"}


def test_a_missing_checkpoint_gives_way_to_the_one_before(stopped):
    """As on a file system without links, after a kill between two renames."""
    folder, whole = stopped
    folder.last.unlink()
    run = resumed(numpy_gpt, folder.path)
    assert run.step == 3
    run.run()
    assert trace(run) == whole


def test_without_a_whole_checkpoint_one_line_says_so(stopped):
    folder, _ = stopped
    for path in folder.checkpoints():
        flip(path, -40)
    with pytest.raises(CheckpointError, match=r"previous\.safetensors: tensor .* has the checksum"):
        resumed(numpy_gpt, folder.path, display=Notes())


def test_there_is_a_last_checkpoint_at_every_moment(tmp_path, monkeypatch):
    """The older one takes its second name while it still has the first."""
    run = tiny_run(numpy_gpt, tmp_path)
    real, seen = os.replace, []

    def replace(source, target):
        seen.append(run.folder.last.exists())
        real(source, target)
        if run.step > 3:
            assert run.folder.last.exists()

    monkeypatch.setattr(os, "replace", replace)
    run.run()
    assert [load_tensors(path)[1]["step"] for path in run.folder.checkpoints()] == [12, 9]


def test_without_links_the_older_checkpoint_is_kept_too(tmp_path, monkeypatch):
    def link(*paths):
        raise OSError(95, "no links here")

    monkeypatch.setattr(os, "link", link)
    run = tiny_run(numpy_gpt, tmp_path)
    run.run()
    assert [load_tensors(path)[1]["step"] for path in run.folder.checkpoints()] == [12, 9]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda kept: kept.pop("step"), "has no key 'step'"),
        (lambda kept: kept.update(step="6"), "'step' is '6', where a whole number"),
        (lambda kept: kept.update(rngs=[{}]), "'rngs' is no state of a generator"),
        (lambda kept: kept["order_rng"].update(state=[1]), "'order_rng' is no state of a generator"),
        (lambda kept: kept["batches"].update(position=10**30), "The position in the data is batch"),
        (lambda kept: kept["batches"].update(order_state={"state": 1}), "'order_state' is no state of a generator"),
        (lambda kept: kept["settings"].pop("seed"), "'settings' has no key 'seed'"),
        (lambda kept: kept["settings"].update(lr=[1]), "'settings': 'lr' is a list of 1, where a number"),
        (lambda kept: kept["best"].pop("step"), "'best' has no key 'step'"),
        (lambda kept: kept.update(optimizer_steps=None), "'optimizer_steps' is None, where a whole number"),
    ],
)
def test_a_state_that_makes_no_run_is_one_line(stopped, change, says):
    folder, _ = stopped
    tensors, kept = load_tensors(folder.last)
    change(kept)
    save_tensors(folder.last, tensors, kept)
    folder.previous.unlink()
    with pytest.raises(CheckpointError) as raised:
        resumed(numpy_gpt, folder.path)
    assert "last.safetensors" in str(raised.value)
    assert says in str(raised.value)


def test_a_checkpoint_without_the_moments_is_one_line(stopped):
    folder, _ = stopped
    tensors, kept = load_tensors(folder.last)
    save_tensors(folder.last, {k: v for k, v in tensors.items() if not k.startswith("optimizer.v")}, kept)
    folder.previous.unlink()
    with pytest.raises(CheckpointError, match=r"last\.safetensors .* optimizer\.v\.wte\.weight is missing"):
        resumed(numpy_gpt, folder.path)


# Metrics and samples.


def as_a_spreadsheet_saves_it(text: str) -> bytes:
    return ("\ufeff" + text.replace(",", ";")).encode("utf-8")


@pytest.mark.parametrize(
    "edit",
    [
        as_a_spreadsheet_saves_it,
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace("\n3,", "\nthree,").encode(),
        lambda text: text.replace("\n3,", "\n").encode(),
        lambda text: text.encode() + b"\xff\xfe\n",
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("step,", "stage,").encode(),
        lambda text: text.replace("\n3,", "\n" + "9" * 5000 + ",").encode(),
    ],
)
def test_metrics_that_cannot_be_read_are_set_aside(stopped, edit):
    folder, whole = stopped
    edited = edit(folder.metrics.read_text(encoding="utf-8"))
    folder.metrics.write_bytes(edited)
    with pytest.raises(ValueError, match=r"metrics\.csv"):
        folder.rows()
    notes = Notes()
    run = resumed(numpy_gpt, folder.path, display=notes)
    (line,) = notes.said
    assert "metrics.csv" in line
    assert "kept as metrics.unreadable.csv" in line
    assert (folder.path / "metrics.unreadable.csv").read_bytes() == edited
    run.run()
    after = trace(run)
    assert after["weights"] == whole["weights"]
    assert after["rows"] == [row for row in whole["rows"] if row["step"] > 6]


@pytest.mark.parametrize(
    "edit", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"), lambda text: text + "8,9"]
)
def test_metrics_with_a_mark_other_line_ends_or_half_a_line_are_read(stopped, edit):
    folder, whole = stopped
    folder.metrics.write_bytes(edit(folder.metrics.read_text(encoding="utf-8")).encode())
    notes = Notes()
    run = resumed(numpy_gpt, folder.path, display=notes)
    run.run()
    assert notes.said == []
    assert trace(run) == whole


def test_missing_metrics_block_nothing(stopped):
    folder, whole = stopped
    folder.metrics.unlink()
    notes = Notes()
    run = resumed(numpy_gpt, folder.path, display=notes)
    assert "metrics.csv is missing" in notes.said[0]
    run.run()
    assert trace(run)["weights"] == whole["weights"]


def test_metrics_that_vanish_during_a_run_do_not_end_it(tmp_path):
    run = tiny_run(numpy_gpt, tmp_path)
    run.watchers.append(lambda row: run.folder.metrics.unlink(missing_ok=True))
    run.run()
    assert run.step == 12


def test_a_second_file_set_aside_does_not_replace_the_first(stopped):
    folder, _ = stopped
    for content in (b"one", b"two"):
        folder.metrics.write_bytes(content)
        folder.cut_back(6)
    found = {path.read_bytes() for path in folder.path.glob("metrics.unreadable*.csv")}
    assert found == {b"one", b"two"}
    assert folder.rows() == []


def test_samples_that_are_no_text_are_set_aside(stopped):
    folder, whole = stopped
    folder.samples.write_bytes(b"\xff\xfe")
    notes = Notes()
    run = resumed(numpy_gpt, folder.path, display=notes)
    assert "samples.txt is not UTF-8" in notes.said[0]
    run.run()
    assert trace(run)["weights"] == whole["weights"]


# The JSON files, through the commands.

SIZES = ["--emb-dim", "8", "--n-heads", "2", "--n-layers", "1", "--context-length", "8"]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "story.txt").write_text("The cat sat on the mat. The dog did not.\n" * 20, encoding="utf-8")
    options = ["--text", str(folder / "story.txt"), "--tokenizer", "characters", "--steps", "2", "--batch-size", "2"]
    few = ["--eval-batches", "1", "--sample-tokens", "2", "--val-fraction", "0.3"]
    assert main(numpy_gpt, ["pretrain", *options, *few, *SIZES, "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def run(pretrained, tmp_path):
    return RunFolder(shutil.copytree(pretrained, tmp_path / "run"))


DEEP = b'{"a": ' * 100_000
CASES = [
    ("training.json", b"[]", "list where an object"),
    ("training.json", b"{}", "has no key 'settings'"),
    ("training.json", b"\xff", "is not valid JSON"),
    ("training.json", DEEP, "is not valid JSON"),
    ("training.json", {"settings": []}, "'settings' is a list of 0, where an object"),
    ("training.json", {"text": 7}, "'text' is 7, where text"),
    ("training.json", {"settings": {"beta2": 2}}, "beta2 is 2; give a number of at least 0 and below 1"),
    ("training.json", {"settings": {"steps": "2"}}, "'steps' is '2', where a whole number"),
    ("training.json", {"settings": {"stepz": 2}}, "unknown key 'stepz'"),
    ("training.json", {"settings": {"lr": 10**400}}, "'lr' is a number of 1329 bits, where a number"),
    ("training.json", {"task": "labels"}, "is no pretrain run"),
    ("config.json", b"[]", "list where an object"),
    ("config.json", b"{}", "has no key 'vocab_size'"),
    ("config.json", {"depth": 3}, "unknown key 'depth'"),
    ("config.json", {"n_heads": [2]}, "'n_heads' is a list of 1, where a whole number"),
    ("config.json", {"n_heads": 3}, "emb_dim 8 does not divide"),
    ("config.json", DEEP, "is not valid JSON"),
    ("tokenizer.json", b"[]", "list where an object"),
    ("tokenizer.json", b"{}", "would name its kind"),
    ("tokenizer.json", {"characters": 7}, "'characters'"),
    ("tokenizer.json", DEEP, "is not valid JSON"),
]


@pytest.mark.parametrize(("name", "content", "says"), CASES, ids=[f"{name} {says}" for name, _, says in CASES])
def test_an_edited_file_is_one_line_with_file_and_key(run, name, content, says, capsys):
    path = run.path / name
    if isinstance(content, dict):
        content = json.dumps(json.loads(path.read_text(encoding="utf-8")) | content).encode()
    path.write_bytes(content)
    capsys.readouterr()
    assert main(numpy_gpt, ["pretrain", "--out", str(run.path), "--resume", "--steps", "3"]) == 2
    error = capsys.readouterr().err.strip()
    assert name in error
    assert str(run.path) in error
    assert says in error
    assert error.count("\n") == 0
    assert len(error) < 1200


def test_a_finetune_folder_is_refused_with_the_command_that_made_it(run, capsys):
    kept = json.loads(run.training.read_text(encoding="utf-8"))
    run.training.write_text(json.dumps({"task": "labels", "options": {}, "settings": kept["settings"]}), "utf-8")
    assert main(numpy_gpt, ["pretrain", "--out", str(run.path), "--resume"]) == 2
    assert "by its training.json it was begun with 'finetune labels'" in capsys.readouterr().err
    assert main(numpy_gpt, ["finetune", "instructions", "--out", str(run.path), "--resume"]) == 2
    assert "is no finetune instructions run" in capsys.readouterr().err
    run.training.write_text(json.dumps({"task": "labels", "options": {"lora": 3}, "settings": {}}), "utf-8")
    assert main(numpy_gpt, ["finetune", "labels", "--out", str(run.path), "--resume"]) == 2
    assert "training.json: 'lora' is 3, where an object is expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (b"[]", "JSON list"),
        (b"{}", "is no finetune labels run"),
        (b'{"classes": 3}', "'classes' is 3, where a list of text"),
    ],
)
def test_a_task_that_is_none_is_one_line(run, task, says, capsys):
    run.task.write_bytes(task)
    assert main(numpy_gpt, ["classify", "--weights", str(run.path), "hello"]) == 2
    assert says in capsys.readouterr().err
    assert main(numpy_gpt, ["classify", "--weights", str(run.path), "hello"]) == 2


def test_weights_of_no_classifier_are_one_line(run, capsys):
    run.task.write_text('{"classes": ["a", "b"]}', encoding="utf-8")
    assert main(numpy_gpt, ["classify", "--weights", str(run.path), "hello"]) == 2
    assert "best.safetensors does not fit config.json" in capsys.readouterr().err
    stated = json.loads(run.config.read_text(encoding="utf-8"))
    run.config.write_text(json.dumps(stated | {"n_layers": 2_000_000_000}), encoding="utf-8")
    assert main(numpy_gpt, ["classify", "--weights", str(run.path), "hello"]) == 2  # at once
    assert "config.json is not the config that best.safetensors was saved with" in capsys.readouterr().err


def test_old_checkpoints_without_checksums_load(stopped):
    """As every run saved them before there were any."""
    folder, whole = stopped
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    for path in (folder.last, folder.best):
        with safe_open(path, "np") as file:
            noted = {key: text for key, text in file.metadata().items() if key != "crc32c"}
        save_file(load_file(path), path, noted)
    folder.previous.unlink()
    run = resumed(numpy_gpt, folder.path)
    run.run()
    assert trace(run) == whole
    assert all(np.isfinite(array).all() for array in numpy_gpt.load_run(folder.path).state_dict().values())


def test_the_columns_are_what_rows_checks(stopped):
    assert stopped[0].metrics.read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)
