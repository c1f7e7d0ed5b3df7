"""A run as people meet it: the commands, the folder they leave, what they say, and what stops them."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import matplotlib.image
import numpy as np
import pytest

import numpy_gpt
import torch_gpt
from parity_tests.report.measure import to_numpy
from parity_tests.tiny_runs import resumed, text, tiny_run
from shared_gpt.cli import main
from shared_gpt.commands import demo
from shared_gpt.text.corpora import CORPORA
from shared_gpt.training.display import PlainLines, clock
from shared_gpt.training.lifecycle import lasting_source
from shared_gpt.training.run_folder import COLUMNS, RunFolder

TWINS = [numpy_gpt, torch_gpt]
SMALL = ["--emb-dim", "8", "--n-heads", "2", "--n-layers", "1", "--context-length", "8", "--vocab-size", "300"]
QUICK = ["--steps", "4", "--eval-every", "2", "--eval-batches", "1", "--sample-every", "4", "--sample-tokens", "5"]


@pytest.fixture
def story(tmp_path) -> Path:
    path = tmp_path / "story.txt"
    path.write_text(text(), encoding="utf-8")
    return path


def pretrain(twin, story: Path, out: Path, *options: str) -> int:
    return main(twin, ["pretrain", "--text", str(story), "--out", str(out), *SMALL, *QUICK, *options])


@pytest.mark.parametrize("twin", TWINS)
def test_pretrain_leaves_a_folder_that_people_can_read(twin, story, tmp_path, capsys):
    out = tmp_path / "run"
    assert pretrain(twin, story, out) == 0
    said = capsys.readouterr().out
    assert f"{twin.__name__}: 3,352 parameters (1 layers, 2 heads, width 8), context 8, vocabulary 300" in said
    assert "step 4/4  train loss 5." in said
    assert "sample at step 0:" in said
    assert f"generate --weights {out}" in said
    assert {path.name for path in out.iterdir()} - {".lock"} == {
        *("config.json", "training.json", "tokenizer.json", "metrics.csv", "loss.png", "samples.txt"),
        *("last.safetensors", "previous.safetensors", "best.safetensors"),
    }
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert numpy_gpt.GPTConfig(**config).emb_dim == 8
    description = json.loads((out / "training.json").read_text(encoding="utf-8"))
    assert (description["text"], description["program"]) == (str(story), twin.__name__)
    assert description["settings"]["steps"] == 4
    with (out / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["step"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [row["tokens"] for row in rows] == ["0", "64", "128", "192", "256"]
    assert [bool(row["val_loss"]) for row in rows] == [True, False, True, False, True]
    assert [bool(row["loss"]) for row in rows] == [False, True, True, True, True]
    assert 5 < float(rows[0]["val_loss"]) < 6.5  # untrained: about log 300
    samples = (out / "samples.txt").read_text(encoding="utf-8")
    assert samples.count("--- step ") == 2
    assert matplotlib.image.imread(out / "loss.png").shape[0] > 300


@pytest.mark.parametrize("twin", TWINS)
def test_the_best_and_the_last_weights_are_kept(twin, tmp_path):
    run = tiny_run(twin, tmp_path, steps=12)
    losses = iter([3.0, 2.0, 2.5, 2.6])
    real = twin.evaluate

    def evaluate(model, batches):
        loss = real(model, batches)
        return next(losses) if evaluate.calls() % 2 else loss

    evaluate.calls = iter(range(1000)).__next__
    run.twin = type("Twin", (), {**vars(twin), "evaluate": staticmethod(evaluate)})
    kept = {}
    run.watchers.append(lambda row: kept.update({row["step"]: np.array(to_numpy(run.model.wte.weight))}))
    run.run()
    assert run.best == {"step": 4, "val_loss": 2.0}
    best, last = (twin.load_gpt2(tmp_path / f"{name}.safetensors") for name in ("best", "last"))
    assert np.array_equal(to_numpy(best.wte.weight), kept[4])
    assert np.array_equal(to_numpy(last.wte.weight), kept[12])


def test_resume_takes_the_options_of_the_run(story, tmp_path, capsys):
    out = tmp_path / "run"
    assert pretrain(numpy_gpt, story, out, "--lr", "0.004") == 0
    assert main(numpy_gpt, ["pretrain", "--out", str(out), "--resume", "--steps", "6"]) == 0
    assert "changed since then: steps 4 → 6" in capsys.readouterr().out
    rows = RunFolder(out).rows()
    assert [row["step"] for row in rows] == list(range(7))
    assert 0 < rows[-1]["lr"] <= 0.004


def test_a_run_killed_before_its_first_checkpoint_begins_again_with_the_options_typed_now(story, tmp_path):
    out = tmp_path / "run"
    assert pretrain(numpy_gpt, story, out, "--seed", "5") == 0
    for name in ("last", "previous"):
        (out / f"{name}.safetensors").unlink()
    assert main(numpy_gpt, ["pretrain", "--out", str(out), "--resume", "--steps", "3", "--n-layers", "2"]) == 0
    assert [row["step"] for row in RunFolder(out).rows()] == [0, 1, 2, 3]
    description = json.loads((out / "training.json").read_text(encoding="utf-8"))
    assert (description["text"], description["preset"], description["tokenizer"]) == (str(story), "classroom", "bpe")
    assert (description["settings"]["steps"], description["settings"]["seed"]) == (3, 5)
    assert len(numpy_gpt.load_run(out).h) == json.loads((out / "config.json").read_text())["n_layers"] == 2
    assert main(numpy_gpt, ["pretrain", "--out", str(out), "--resume"]) == 0  # and goes on from there


REFUSALS = [
    (["--resume", "--emb-dim", "16"], "emb_dim 8 → 16"),
    (["--resume", "--preset", "gpt2-small"], "emb_dim 8 → 768"),
    (["--resume", "--text", "stories"], "text 2,0"),
    (["--resume", "--tokenizer", "characters"], "tokenizer "),
    (["--resume", "--batch-size", "2"], "batch_size 8 → 2"),
    ([], "holds a run already"),
]


@pytest.mark.parametrize(("options", "message"), REFUSALS)
def test_what_does_not_fit_the_run_is_refused_in_one_line(options, message, story, tmp_path, capsys):
    out = tmp_path / "run"
    assert pretrain(numpy_gpt, story, out) == 0
    before = (out / "last.safetensors").read_bytes()
    capsys.readouterr()
    assert main(numpy_gpt, ["pretrain", "--out", str(out), *options]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert (out / "last.safetensors").read_bytes() == before


def test_a_text_that_changed_meanwhile_is_refused(story, tmp_path, capsys):
    assert pretrain(numpy_gpt, story, tmp_path / "run") == 0
    story.write_text(text().replace("Marren", "Merran", 1), encoding="utf-8")
    assert main(numpy_gpt, ["pretrain", "--out", str(tmp_path / "run"), "--resume"]) == 2
    assert "text 2,0" in capsys.readouterr().err


WRONG = [
    (["--text", "no-such-text"], "no-such-text"),
    (["--preset", "gpt3"], "no preset 'gpt3'"),
    (["--emb-dim", "9"], "emb_dim 9 does not divide"),
    (["--steps", "0"], "steps is 0"),
    (["--context-length", "500"], "context_length 500"),
    (["--batch-size", "5000"], "batch_size 5000"),
    (["--device", "gpu9"], "gpu9"),
    (["--resume"], "is no run"),
]


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options_are_one_line_before_any_work(twin, options, message, story, tmp_path, capsys):
    out = tmp_path / "run"
    assert pretrain(twin, story, out, *options) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (out / "training.json").exists()


def test_numpy_computes_on_the_cpu(story, tmp_path, capsys):
    assert pretrain(numpy_gpt, story, tmp_path / "run", "--device", "cuda", "--bf16") == 2
    assert "torch-gpt takes the same command" in capsys.readouterr().err


def test_bf16_trains(story, tmp_path):
    """Products in bfloat16: the losses are those of float32 to two or three digits; weights and moments stay float32."""
    assert pretrain(torch_gpt, story, tmp_path / "bf16", "--bf16") == 0
    assert pretrain(torch_gpt, story, tmp_path / "float32") == 0
    half, full = ([row["loss"] for row in RunFolder(tmp_path / name).rows()[1:]] for name in ("bf16", "float32"))
    assert half == pytest.approx(full, rel=1e-2)
    assert half != full
    assert torch_gpt.load_run(tmp_path / "bf16").wte.weight.dtype == torch_gpt.float32


@pytest.mark.parametrize("twin", TWINS)
def test_demo_replaces_an_earlier_demo_and_nothing_else(twin, story, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "DEMO", replace(demo.DEMO, steps=2, eval_batches=1, threads=None))
    out = tmp_path / "demo"
    for _ in range(2):
        assert main(twin, ["demo", "--out", str(out)]) == 0
        said = capsys.readouterr().out
        assert "step 2/2  train loss 7." in said
        assert said.count("sample at step") == 2
        assert f"Losses: {out / 'loss.png'}" in said
        assert [row["step"] for row in RunFolder(out).rows()] == [0, 1, 2]
    assert pretrain(twin, story, tmp_path / "run") == 0
    assert main(twin, ["demo", "--out", str(tmp_path / "run")]) == 2
    assert "holds a run already" in capsys.readouterr().err


def test_a_name_wins_over_a_file_and_a_path_lasts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("stories", "mine.txt"):
        (tmp_path / name).write_text("a text", encoding="utf-8")
    assert lasting_source("stories", CORPORA) == "stories"
    assert lasting_source("mine.txt", CORPORA) == str((tmp_path / "mine.txt").resolve())


# What ends a run early.


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_fails_leaves_the_last_checkpoint(number, tmp_path, monkeypatch):
    run = tiny_run(numpy_gpt, tmp_path)
    real, count = os.fsync, iter(range(1000))

    def fsync(descriptor):
        if next(count) == 8:
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(
        OSError, match=r"Step \d+: .*\.(safetensors|csv|txt)'?\. The last good checkpoint is \S+ \(step \d+\)"
    ) as failure:
        run.run()
    assert os.strerror(number) in str(failure.value)
    monkeypatch.undo()
    assert not list(tmp_path.glob(".*.part"))
    step = run.saved_step
    assert f"(step {step})" in str(failure.value)
    again = resumed(numpy_gpt, tmp_path)
    assert again.step == step > 0
    again.run()
    whole = tiny_run(numpy_gpt, tmp_path / "whole")
    whole.run()
    assert [row["loss"] for row in run.folder.rows()] == [row["loss"] for row in whole.folder.rows()]


FILE_LIMIT = """
import resource, sys
import numpy_gpt
from parity_tests.report.measure import to_numpy
from parity_tests.tiny_runs import tiny_run
run = tiny_run(numpy_gpt, sys.argv[1], steps=9)
best = run.folder.best
run.watchers.append(lambda row: row["step"] == 4 and resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    run.run()
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_file_system_that_really_refuses(tmp_path):
    """Not a made-up error: the operating system lets no file grow beyond 20 kB from step 4 on."""
    done = subprocess.run([sys.executable, "-c", FILE_LIMIT, tmp_path], capture_output=True, text=True)
    assert done.stdout.startswith("Step 6: [Errno 27]"), done.stderr
    assert "(step 3); --resume goes on from it." in done.stdout
    assert resumed(numpy_gpt, tmp_path, steps=9).step == 3
    assert not list(tmp_path.glob(".*.part"))


def test_a_folder_that_cannot_be_made(story, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert pretrain(numpy_gpt, story, tmp_path / "file" / "run") == 2
    assert "file" in capsys.readouterr().err


@pytest.mark.parametrize("twin", TWINS)
def test_a_loss_that_is_not_finite_stops_the_run(twin, tmp_path):
    run = tiny_run(twin, tmp_path)

    def spoil(row):
        if row["step"] == 7:
            run.model.state_dict()["h.0.ln_2.weight"][0] = np.nan

    run.watchers.append(spoil)
    message = r"Step 8 of 12: The loss is nan .*largest gradient is that of \S+ .*last good checkpoint is \S+ \(step 6\).*--lr"
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        run.run()
    again = resumed(twin, tmp_path)
    assert again.step == 6
    again.run()  # the spoilt weight was never saved


def test_memory_that_runs_out_is_a_sentence(tmp_path, monkeypatch):
    run = tiny_run(numpy_gpt, tmp_path)

    def steps():
        for progress in type(run).steps(run):
            if progress.step == 5:
                raise MemoryError("Unable to allocate 9.00 TiB")
            yield progress

    monkeypatch.setattr(run, "steps", steps)
    with pytest.raises(ValueError, match=r"Step 5 of 12: Unable to allocate 9.00 TiB\. .*\(step 3\).*--accumulate"):
        run.run()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to another process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_says_how_to_go_on(number, story, tmp_path):
    out = tmp_path / "run"
    options = ["--text", story, "--out", out, *SMALL, "--steps", "100000", "--eval-every", "50000"]
    command = [sys.executable, "-m", "numpy_gpt", "pretrain", *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    metrics = out / "metrics.csv"
    while process.poll() is None and (not metrics.exists() or metrics.read_text(encoding="utf-8").count("\n") < 10):
        time.sleep(0.05)
    process.send_signal(number)
    said, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    steps = RunFolder(out).rows()[-1]["step"]
    assert f"Stopped after step {steps} of 100000; nothing is lost." in said
    assert f"Go on with: numpy-gpt pretrain --out {out} --resume" in said
    assert RunFolder(out).rows()[-1]["val_loss"] is not None
    assert (out / "loss.png").exists()
    assert main(numpy_gpt, ["pretrain", "--out", str(out), "--resume", "--steps", str(steps + 2)]) == 0


def test_two_processes_do_not_share_a_folder(story, tmp_path, capsys):
    holder = RunFolder(tmp_path / "run")
    holder.lock()
    assert pretrain(numpy_gpt, story, tmp_path / "run") == 2
    assert "Another process is training in" in capsys.readouterr().err
    holder._lock.release()


# Pictures, lines, TensorBoard.


def test_several_runs_in_one_picture(tmp_path, capsys):
    for name, steps in (("a", 4), ("b", 8)):
        tiny_run(numpy_gpt, tmp_path / name, steps=steps).run()
    out = tmp_path / "both.png"
    assert main(numpy_gpt, ["plot", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert matplotlib.image.imread(out).ndim == 3
    assert main(numpy_gpt, ["plot", str(tmp_path / "a")]) == 0
    assert (tmp_path / "a" / "loss.png").exists()
    assert main(numpy_gpt, ["plot", str(tmp_path / "none")]) == 2
    assert "no metrics.csv" in capsys.readouterr().err


def test_rows_pass_over_a_line_cut_short(tmp_path):
    folder = RunFolder(tmp_path)
    for step in range(3):
        folder.add_row({"step": step, "tokens": 10 * step, "loss": 0.1 + step, "seconds": 1.0})
    whole = folder.metrics.read_text(encoding="utf-8")
    folder.metrics.write_text(whole[:-6], encoding="utf-8")
    assert [row["step"] for row in folder.rows()] == [0, 1]
    assert folder.rows()[1]["loss"] == 1.1
    assert folder.rows()[1]["val_loss"] is None


def test_plain_lines_for_a_log(capsys):
    lines = PlainLines(every=0)
    run = tiny_run(numpy_gpt, steps=3, display=lines)
    run.run()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("numpy_gpt: ")
    assert said[1].startswith("step 0/3  train loss 3.")
    assert any(line.startswith("step 2/3  loss 3.") and line.endswith(" left") for line in said)
    assert "\x1b" not in "".join(said)
    assert [clock(seconds) for seconds in (0.4, 65, 7384)] == ["0:00", "1:05", "2:03:04"]


def test_tensorboard_reads_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(
        sys.modules, "tensorboard.compat.notf", ModuleType("notf")
    )  # its own word for: without TensorFlow
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from shared_gpt.training.tensorboard import TensorBoard

    run = tiny_run(numpy_gpt, tmp_path, steps=6)
    run.watchers.append(TensorBoard(tmp_path))
    run.run()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    rows = run.folder.rows()
    assert [(e.step, e.value) for e in events.Scalars("loss/batch")] == [
        (row["step"], pytest.approx(row["loss"])) for row in rows if row["loss"]
    ]
    assert [e.step for e in events.Scalars("loss/validation")] == [0, 4, 6]
