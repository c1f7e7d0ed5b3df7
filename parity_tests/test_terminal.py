"""The programs as a terminal runs them, in processes of their own: output in other encodings, closed pipes and streams, Ctrl-C,
what is said of a wrong option, of a run that goes on and of one that is finished."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import numpy_gpt
import torch_gpt
from parity_tests.report.measure import twins
from parity_tests.test_runs import SMALL
from parity_tests.tiny_runs import text, tiny_run
from shared_gpt import streams
from shared_gpt.checkpoints import load_tensors, save_tensors
from shared_gpt.cli import main
from shared_gpt.config import GPTConfig
from shared_gpt.streams import UnfailingStream
from shared_gpt.text import BytePairTokenizer, CharTokenizer, TokenWindows, save_tokenizer
from shared_gpt.training.display import Display, LiveTerminal, PlainLines
from shared_gpt.training.interrupt import NOTICE
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.training_run import TrainingRun

posix = pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
SIGNS = "🦜→ÿ"  # cp1252 has the last of them only


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a text that holds signs, and a model that writes nothing else."""
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "story.txt").write_text(f"{text()}{SIGNS * 20}", encoding="utf-8")
    config = GPTConfig(vocab_size=4, context_length=8, emb_dim=8, n_heads=2, n_layers=1)
    numpy_gpt.save_gpt2(twins(config, 0, "float32")[0], folder / "model")
    save_tokenizer(CharTokenizer(SIGNS + "x"), folder / "model")
    return folder


def shell(place, command: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a line in bash; {gpt} is the NumPy program, {python} this Python."""
    line = command.format(gpt=f"{sys.executable} -m numpy_gpt", python=sys.executable)
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONIOENCODING"}  # which run.py sets
    environment = {**inherited, "PYTHONPATH": os.getcwd(), **environment}
    argv = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(argv, cwd=place, env=environment, capture_output=True, timeout=120)


TRAIN = "pretrain --text story.txt " + " ".join([*SMALL, "--steps", "4", "--eval-every", "2"])


@posix
@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["cp1252", "C"],
)
def test_output_that_cannot_show_a_character(environment, place, tmp_path):
    done = shell(place, f"{{gpt}} {TRAIN} --sample-prompt '{SIGNS}' --out {tmp_path}/run", **environment)
    assert done.returncode == 0, done.stderr
    assert b"??" in done.stdout
    assert b"Done: " in done.stdout
    done = shell(place, f"{{gpt}} {TRAIN} --out {tmp_path}/run --resume --steps 6", **environment)
    assert done.returncode == 0, done.stderr
    done = shell(place, "{gpt} generate --weights model --prompt x --max-new-tokens 30 --seed 0", **environment)
    assert done.returncode == 0, done.stderr
    assert b"?" in done.stdout
    assert done.stderr.startswith(b"30 tokens")


@posix
def test_the_report_in_another_encoding(place):
    code = "import sys; from parity_tests.__main__ import main; sys.exit(main(['report', '--help']))"
    done = shell(place, f'{{python}} -c "{code}"', PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
    code = "from shared_gpt.streams import run_program; run_program('x', lambda: print('\u2713 1e-15'))"
    done = shell(place, f'{{python}} -c "{code}"', PYTHONIOENCODING="cp1252")
    assert (done.stdout, done.stderr) == (b"? 1e-15\n", b"")


@posix
def test_a_pipe_that_closes_ends_a_printing_command_quietly(place):
    done = shell(place, "{gpt} generate --weights model --max-new-tokens 3000 --prompt x | head -c 1 >/dev/null")
    assert done.stderr == b""
    assert done.returncode == 1
    done = shell(place, "{gpt} --help | head -1")
    assert done.stderr == b""


@posix
@pytest.mark.parametrize("output", [">/dev/full", "2>&1 | head -1", ">&-"])
def test_a_run_goes_on_when_nobody_reads_its_lines(output, place, tmp_path):
    if output == ">/dev/full" and not os.path.exists("/dev/full"):
        pytest.skip("Linux's own device")
    done = shell(place, f"{{gpt}} {TRAIN} --out {tmp_path}/run {output}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "metrics.csv").read_text().count("\n") == 6
    said = b"numpy-gpt: standard output is closed; nothing can be shown.\n" if output == ">&-" else b""
    assert done.stderr == said


@posix
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("{gpt} generate --weights model --max-new-tokens 3 --prompt x >&-", b"standard output is closed"),
        ("{gpt} generate --weights model --prompt - <&-", b"Standard input is closed"),
        ("{gpt} tokenize - --tokenizer model <&-", b"Standard input is closed"),
    ],
)
def test_a_closed_stream_is_one_line(command, message, place):
    done = shell(place, command)
    lines = [line for line in done.stderr.splitlines() if b"tokens, " not in line]
    assert len(lines) == 1
    assert message in lines[0]
    assert lines[0].startswith(b"numpy-gpt: ")


def test_a_stream_that_cannot_show_a_character_shows_a_question_mark(tmp_path):
    with (tmp_path / "log").open("w", encoding="cp1252") as file:
        UnfailingStream(file).write(SIGNS)
    assert (tmp_path / "log").read_bytes() == "??ÿ".encode("cp1252")


def test_memory_that_runs_out_before_a_run_is_one_line(monkeypatch, capsys):
    from shared_gpt.commands import Prepare

    def run(self, twin):
        raise MemoryError

    monkeypatch.setattr(Prepare, "run", run)
    assert main(numpy_gpt, ["prepare"]) == 2
    assert capsys.readouterr().err == "numpy-gpt: out of memory; take less at once, or a machine with more memory.\n"


# Ctrl-C, and what is said of a run


def signalled(place, out, number: int, *before: str) -> tuple[subprocess.Popen, bytes, bytes]:
    """A run of very many steps that gets a signal after some of them."""
    options = f"pretrain --text story.txt --out {out} {' '.join(SMALL)} --steps 100000 --eval-every 50000"
    process = subprocess.Popen(
        [*before, sys.executable, "-m", "numpy_gpt", *options.split()],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    metrics = out / "metrics.csv"
    while process.poll() is None and (not metrics.exists() or metrics.read_text().count("\n") < 5):
        time.sleep(0.02)
    process.send_signal(number)
    if before:  # which makes the program deaf to it
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
    return process, *process.communicate(timeout=60)


@posix
def test_ctrl_c_says_at_once_what_happens(place, tmp_path):
    """The handler writes while the step goes on, so the line comes before the step's end."""
    process, said, error = signalled(place, tmp_path / "run", signal.SIGINT)
    assert process.returncode == 0
    assert error == NOTICE
    assert b"nothing is lost" in said


@posix
@pytest.mark.parametrize("before", [(), ("nohup",)])
def test_a_terminal_that_closes_loses_no_step(before, place, tmp_path):
    process, said, _ = signalled(place, tmp_path / "run", signal.SIGHUP, *before)
    assert process.returncode == 0
    assert b"nothing is lost" in said
    last_row = RunFolder(tmp_path / "run").rows()[-1]
    assert load_tensors(tmp_path / "run" / "last.safetensors")[1]["step"] == last_row["step"]


def test_a_second_ctrl_c_says_which_checkpoint_is_left(tmp_path):
    said = []
    display = Display()
    display.say = said.append
    run = tiny_run(numpy_gpt, tmp_path, display=display)

    def stop(row):
        if row["step"] == 8:
            raise KeyboardInterrupt

    run.watchers.append(stop)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert said[-1].startswith("Stopped at once, at step 8. The last good checkpoint is ")
    assert "(step 6)" in said[-1]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["pretrain", "--learning-rate", "3"], "pretrain has no option --learning-rate; did you mean --lr? "),
        (["pretrain", "--step", "3"], "did you mean --steps? All options: numpy-gpt pretrain --help"),
        (["finetune", "labels", "--lora_rnk=3"], "did you mean --lora-rank? All options: numpy-gpt finetune labels"),
        (["generate", "--xyzzy"], "generate has no option --xyzzy. All options: numpy-gpt generate --help"),
        (
            ["train-tokenizer", "--text", "x"],
            "train-tokenizer has no option --text; give its value without that name. ",
        ),
        (["pretain"], "There is no command 'pretain'; did you mean pretrain? All commands: numpy-gpt --help"),
    ],
)
def test_what_is_mistyped_is_named_with_what_was_meant(args, message, capsys):
    assert main(numpy_gpt, args) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "args",
    [
        ["pretrain", "--text", "", "--out", "x"],
        ["pretrain", "--weights="],
        ["finetune", "labels", "--tokenizer", ""],
        ["generate", "--weights", ""],
        ["generate", "--prompt", ""],
    ],
)
def test_an_empty_option_is_refused(args, tmp_path, monkeypatch, capsys):
    """`--text "$TEXT"` of a script in which TEXT was never set must not train on the default."""
    monkeypatch.chdir(tmp_path)
    assert main(numpy_gpt, args) == 2
    assert capsys.readouterr().err.endswith(" is empty; give a value, or leave it out.\n")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_name_is_not_the_folder_one_is_in(place, monkeypatch, capsys):
    monkeypatch.chdir(place / "model")
    for args in (["inspect", ""], ["convert", "", "out"]):
        assert main(numpy_gpt, args) == 2
        assert capsys.readouterr().err.startswith("numpy-gpt: An empty name is no file and no folder;")


@pytest.mark.parametrize(
    "args", [["inspect"], ["generate", "--weights"], ["pretrain", "--text"], ["classify", "--weights"]]
)
def test_nobodys_home_is_one_line(args, capsys):
    assert main(numpy_gpt, [*args, "~nobody18/model"]) == 2
    error = capsys.readouterr().err
    assert "~nobody18" in error
    assert error.count("\n") == 1


def test_a_home_that_the_shell_left_is_found(tmp_path, monkeypatch):
    """`--out=~/run` reaches a program as it is typed; a folder of the name ~ invites rm -r ~."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "story.txt").write_text(text(), encoding="utf-8")
    options = ["--text=~/story.txt", "--out=~/run", *SMALL, "--steps", "1", "--eval-every", "1"]
    assert main(numpy_gpt, ["pretrain", *options]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"story.txt", "run"}


def test_numbers_that_overflow_bring_no_warnings(place, tmp_path, recwarn, capsys):
    shutil.copytree(place / "model", tmp_path / "model")
    model = numpy_gpt.load_gpt2(place / "model")
    model.state_dict()["wte.weight"][:] = np.float32(3e38)
    numpy_gpt.save_gpt2(model, tmp_path / "model")
    assert main(numpy_gpt, ["generate", "--weights", str(tmp_path / "model"), "--prompt", "x"]) == 2
    assert "The model's logits hold" in capsys.readouterr().err
    assert [str(warning.message) for warning in recwarn] == []


def test_every_option_of_every_command_is_known():
    """What the help shows is what the check lets pass."""
    import contextlib
    import io
    import re

    from shared_gpt import commands
    from shared_gpt.suggestions import option_names

    for args in [[name] for name in commands.ALL if name != "finetune"] + [
        ["finetune", task] for task in commands.TASKS
    ]:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), pytest.raises(SystemExit):
            main(numpy_gpt, [*args, "--help"])
        _, command, _ = commands.find(args, commands.ALL)
        in_help = set(re.findall(r"│ (?:-h, )?(--[a-z][\w-]+)", shown.getvalue()))
        assert in_help - {"--help"} <= set(option_names(command)), args


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_version(twin, capsys):
    with pytest.raises(SystemExit) as end:
        main(twin, ["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"{twin.__name__.replace('_', '-')} {twin.__version__}\n"


def test_a_resume_says_from_where_and_a_finished_run_that_it_is(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr(TrainingRun, "draw", lambda self: None)
    command = [*TRAIN.split(), "--out", str(tmp_path / "run")]
    assert main(numpy_gpt, command) == 0
    capsys.readouterr()
    assert main(numpy_gpt, ["pretrain", "--out", str(tmp_path / "run"), "--resume"]) == 0
    said = capsys.readouterr().out
    assert "The run is finished: it has taken 4 steps. --steps 8 would train it for as many again." in said
    assert main(numpy_gpt, ["pretrain", "--out", str(tmp_path / "run"), "--resume", "--steps", "5"]) == 0
    assert "Going on from step 4 of 5." in capsys.readouterr().out


# The true error


def test_a_picture_that_fails_hides_no_error_and_ends_no_run(tmp_path, monkeypatch, capsys):
    from shared_gpt import plots

    def full(*_):
        raise OSError(28, "No space left on device", "loss.png")

    monkeypatch.setattr(plots, "plot_losses", full)
    run = tiny_run(numpy_gpt, tmp_path / "whole", display=PlainLines())
    run.draw = lambda: TrainingRun.draw(run)
    run.run()
    assert run.step == 12
    assert "loss.png could not be drawn: [Errno 28]" in capsys.readouterr().out
    run = tiny_run(numpy_gpt, tmp_path / "ended")
    run.draw = lambda: TrainingRun.draw(run)
    run.watchers.append(
        lambda row: row["step"] == 7 and (_ for _ in ()).throw(OSError(5, "Input/output error", "the disk"))
    )
    with pytest.raises(OSError, match=r"Step 7: \[Errno 5\] Input/output error: 'the disk'"):
        run.run()


def test_a_folder_that_is_moved_away_is_named(tmp_path):
    run = tiny_run(numpy_gpt, tmp_path / "run")
    run.draw = lambda: TrainingRun.draw(run)
    run.watchers.append(lambda row: row["step"] == 7 and os.rename(tmp_path / "run", tmp_path / "elsewhere"))
    with pytest.raises(
        OSError, match=r"Step 8: .*run is no longer there; if it was moved, --out .* checkpoint \(step 6\)"
    ):
        run.run()


@pytest.mark.parametrize("display", [PlainLines(every=0), LiveTerminal()], ids=["lines", "bar"])
def test_a_clock_that_has_not_moved_ends_no_run(display, tmp_path, monkeypatch, capsys):
    """That of Windows moves 64 times a second, and a small model takes more steps."""
    monkeypatch.setattr("shared_gpt.training.display.time.monotonic", lambda: 7.0)
    run = tiny_run(numpy_gpt, tmp_path, display=display)
    run.run()
    assert run.step == 12
    assert "– tokens/s" in capsys.readouterr().out or isinstance(display, LiveTerminal)


def test_a_loss_that_is_not_finite_comes_without_warnings(tmp_path, recwarn):
    run = tiny_run(numpy_gpt, tmp_path)

    def spoil(row):
        if row["step"] == 5:
            run.model.state_dict()["h.0.ln_2.weight"][:] = np.float32(3e38)

    run.watchers.append(spoil)
    with pytest.raises(ValueError, match="Step 6 of 12"):
        run.run()
    assert [str(warning.message) for warning in recwarn] == []


# Options that contradict each other are refused before any work


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            "finetune labels --weights model --lora-targets c_attn",
            "--lora-targets c_attn is for LoRA, and without --lora-rank",
        ),
        ("finetune instructions --weights model --lora-alpha 4", "--lora-alpha 4.0 is for LoRA"),
        ("finetune labels --weights model --train all --lora-rank 2", "--train all and --lora-rank exclude each other"),
        ("finetune instructions --weights model --score --test-fraction 0", "--score needs entries that are held out"),
        ("pretrain --tokenizer characters --vocab-size 1000", "--vocab-size is 1000, but the tokenizer characters"),
        ("pretrain --preset gpt2-small --vocab-size 1000", "--vocab-size is 1000, but the tokenizer gpt2 has"),
        ("pretrain --weights model --emb-dim 8 --preset classroom", "leave out --preset, --emb-dim"),
        ("pretrain --weights model --resume --out run", "A resumed run has its own weights"),
        ("generate --weights model --block 0", "--block chooses what --attention draws"),
        ("train-tokenizer --kind characters --vocab-size 9", "--vocab-size is for byte pairs"),
    ],
)
def test_contradictions_are_refused(args, message, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    if "--resume" in args:
        assert main(numpy_gpt, [*TRAIN.split(), "--steps", "1", "--out", str(tmp_path / "run")]) == 0
        args = args.replace("--out run", f"--out {tmp_path}/run")
        capsys.readouterr()
    assert main(numpy_gpt, args.split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


# Going on from weights that are there


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_pretrain_goes_on_from_weights(twin, place, tmp_path, monkeypatch, capsys):
    """The first measurement is that of the weights; sizes and tokenizer are theirs; killed and resumed, it is the same run."""
    monkeypatch.setattr(TrainingRun, "draw", lambda self: None)
    (tmp_path / "signs.txt").write_text((SIGNS + "x") * 80, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = ["--drop-rate", "0.2", "--steps", "4", "--eval-every", "2", "--batch-size", "2"]
    command = ["pretrain", "--text", "signs.txt", "--weights", str(place / "model"), *options]
    assert main(twin, [*command, "--out", "whole"]) == 0
    model = twin.load_gpt2(place / "model")
    rows = RunFolder("whole").rows()
    tokens = CharTokenizer(SIGNS + "x").encode((SIGNS + "x") * 8)
    windows = TokenWindows(np.array(tokens), 8)
    expected = twin.evaluate(model, [windows.collate([windows[i] for i in range(len(windows))])])
    assert rows[0]["val_loss"] == pytest.approx(expected)
    assert GPTConfig(**RunFolder("whole").read_json(RunFolder("whole").config)).drop_rate == 0.2
    assert main(twin, [*command, "--steps", "2", "--lr", "1e-3", "--final-lr", "1", "--warmup", "0", "--out", "a"]) == 0
    assert main(twin, ["pretrain", "--out", "a", "--resume", "--steps", "4"]) == 0
    assert main(twin, [*command, "--final-lr", "1", "--warmup", "0", "--out", "b"]) == 0
    assert [row["loss"] for row in RunFolder("a").rows()] == [row["loss"] for row in RunFolder("b").rows()]
    (tmp_path / "b" / "last.safetensors").unlink()  # as if killed before the first checkpoint
    assert main(twin, ["pretrain", "--out", "b", "--resume"]) == 0
    assert [row["loss"] for row in RunFolder("a").rows()] == [row["loss"] for row in RunFolder("b").rows()]


@posix
def test_chat_edits_lines_and_remembers_them(tmp_path):
    """In a terminal, the arrow up brings the last request back; without readline it would send ^[[A."""
    import pty
    import select

    pytest.importorskip("readline")
    tokenizer = BytePairTokenizer.train("hi", 257)
    config = GPTConfig(vocab_size=257, context_length=40, emb_dim=8, n_heads=2, n_layers=1)
    model = numpy_gpt.GPTModel(config)
    tensors = {f"model.{name}": array for name, array in model.state_dict().items()}
    save_tensors(tmp_path / "best.safetensors", tensors, {"config": config.to_dict()})
    save_tokenizer(tokenizer, tmp_path)
    (tmp_path / "task.json").write_text('{"style": "qa"}', encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "numpy_gpt", "chat", "--weights", str(tmp_path), "--max-new-tokens", "1"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)

    def read_until(sign: bytes) -> bytes:
        shown = b""
        while sign not in shown and select.select([ours], [], [], 60)[0]:
            shown += os.read(ours, 1000)
        return shown

    read_until(b"> ")
    os.write(ours, b"hj\x7fi\n")
    assert b"hj" in read_until(b"> ")
    os.write(ours, b"\x1b[A\n")
    shown = read_until(b"> ")
    assert shown.startswith(b"hi")
    os.write(ours, b"\n")
    assert process.wait(60) == 0
    os.close(ours)


@posix
def test_a_text_with_an_accent_is_found_again_in_another_locale(place, tmp_path):
    (tmp_path / "récit.txt").write_text(text(), encoding="utf-8")
    c = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    train = TRAIN.replace("story.txt", f"{tmp_path}/récit.txt")
    done = shell(place, f"{{gpt}} {train} --out {tmp_path}/run", PYTHONUTF8="1")
    assert done.returncode == 0, done.stderr
    done = shell(place, f"{{gpt}} pretrain --out {tmp_path}/run --resume --steps 5", **c)
    assert done.returncode == 0, done.stderr
    assert b"Going on from step 4 of 5" in done.stdout


def test_an_error_shows_no_control_characters(capsys):
    assert main(numpy_gpt, ["inspect", "no\x1b[2J\nsuch\x9b"]) == 2
    assert capsys.readouterr().err.startswith("numpy-gpt: no\ufffd[2J such\ufffd is no file")


@pytest.mark.parametrize(
    ("platform", "error", "status", "said"),
    [
        (
            "win32",
            OSError(errno.EINVAL, "Invalid argument"),
            1,
            "",
        ),  # how Windows says that the pipe's reader has ended
        ("linux", OSError(errno.EINVAL, "Invalid argument"), 2, "gpt: [Errno 22] Invalid argument\n"),
        (
            "win32",
            OSError(errno.EINVAL, "Invalid argument", "a?.txt"),
            2,
            "gpt: [Errno 22] Invalid argument: 'a?.txt'\n",
        ),
        ("linux", BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
    ],
)
def test_a_reader_that_has_ended_is_no_error_on_any_system(platform, error, status, said, monkeypatch, capsys):
    def work():
        raise error

    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(streams, "silence", lambda stream: None)
    assert streams.run_program("gpt", work) == status
    assert capsys.readouterr().err == said
