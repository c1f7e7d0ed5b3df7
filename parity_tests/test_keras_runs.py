"""A run begun in one of the three programs is loaded, used and finished by the others."""

import io
import itertools

import numpy as np
import pytest

import numpy_gpt
import tensorflow_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import assert_close, key_bias, to_numpy, twins
from parity_tests.tiny_runs import resumed, tiny_run, trace
from shared_gpt.cli import main
from shared_gpt.text import CharTokenizer, save_tokenizer
from shared_gpt.training.run_folder import RunFolder

PROGRAMS = {"numpy": numpy_gpt, "torch": torch_gpt, "tensorflow": tensorflow_gpt}
PAIRS = list(itertools.product(PROGRAMS, repeat=2))
LETTERS = "abcdefgh"
ROWS = [("loud" if letter.isupper() else "soft", letter * n) for letter in LETTERS + LETTERS.upper() for n in (1, 2, 5)]


@pytest.fixture(autouse=True)
def quick(eager_tensorflow, monkeypatch):
    """Without graphs, and without pictures: both take longer than all steps."""
    for name in ("plot_losses", "plot_confusion"):
        monkeypatch.setattr(f"shared_gpt.plots.{name}", lambda *args: None)


def last_losses(run) -> list[float]:
    return [row["loss"] for row in run.folder.rows()[-6:]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of twelve steps by the NumPy program, never interrupted."""
    run = tiny_run(numpy_gpt, tmp_path_factory.mktemp("runs") / "whole", drop_rate=0.0, dtype="float64")
    run.run()
    return run


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_one_begins_the_other_goes_on(first, second, whole, tmp_path):
    """Without dropout nothing shows in the losses, or in the weights, of who computed which step."""
    folder = RunFolder(tmp_path / "run")
    begun = tiny_run(PROGRAMS[first], folder.path, drop_rate=0.0, dtype="float64")
    for _ in itertools.takewhile(lambda progress: progress.step < 6, begun.steps()):
        pass
    begun.step = 6
    begun.record({"step": 6, "tokens": 0}, measure=True)
    begun.save()
    loaded = PROGRAMS[second].load_run(folder.path)
    ids = np.array([[1, 2, 3]])
    assert_close(
        to_numpy(call(PROGRAMS[second], loaded, ids)), to_numpy(call(PROGRAMS[first], begun.model, ids)), 1e-10
    )

    finished = resumed(PROGRAMS[second], folder.path, drop_rate=0.0, dtype="float64")
    finished.run()
    assert finished.step == 12
    assert last_losses(finished) == pytest.approx(last_losses(whole), rel=1e-9)
    for name, array in finished.model.state_dict().items():
        difference = np.abs(to_numpy(array) - whole.model.state_dict()[name])
        if difference.ndim == 1:
            difference[key_bias(name, len(difference))] = 0
        assert difference.max() < 1e-9, name


def call(twin, model, ids: np.ndarray):
    if twin is torch_gpt:
        import torch

        ids = torch.from_numpy(ids)
    return model.eval()(ids)


def test_a_keras_run_with_dropout_goes_on_bit_by_bit(tmp_path):
    straight = tiny_run(tensorflow_gpt, tmp_path / "straight", drop_rate=0.2, steps=4)
    straight.run()
    stopped = tiny_run(tensorflow_gpt, tmp_path / "stopped", drop_rate=0.2, steps=4)
    stopped.after_step = lambda progress, stop: type(stopped).after_step(stopped, progress, stop or progress.step == 2)
    stopped.run()
    assert stopped.step == 2
    again = resumed(tensorflow_gpt, tmp_path / "stopped", drop_rate=0.2, steps=4)
    again.run()
    assert trace(again)["weights"] == trace(straight)["weights"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A base model, its tokenizer, and labelled texts."""
    place = tmp_path_factory.mktemp("labels")
    tokenizer = CharTokenizer(LETTERS + LETTERS.upper() + "Q: Say it.\nA:", end_of_text=True)
    model, _ = twins(GPTConfig(tokenizer.n_vocab, 30, 16, 2, 1, drop_rate=0.0), 0)
    numpy_gpt.save_gpt2(model, place / "base")
    save_tokenizer(tokenizer, place / "base")
    (place / "labels.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in ROWS), encoding="utf-8")
    entries = [f'{{"instruction": "Say it.", "input": "{c}", "output": "{c}"}}\n' for c in LETTERS]
    (place / "instructions.jsonl").write_text("".join(entries), encoding="utf-8")
    return place


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_one_fine_tuned_all_use_alike(program, place, tmp_path, capsys, monkeypatch):
    """Labels and instructions, with LoRA, by the commands: the same classes, answers and perplexity in all three."""
    quick = ["--steps", "3", "--batch-size", "4", "--eval-every", "2", "--eval-batches", "1", "--lora-rank", "2"]
    quick += ["--dtype", "float64", "--sample-every", "0", "--weights", str(place / "base")]
    held_out = ["--test-fraction", "0.2", "--val-fraction", "0.2"]
    for task, data, *options in (
        ("labels", "labels.tsv"),
        ("instructions", "instructions.jsonl", "--style", "qa", "--mask-prompt", *held_out),
    ):
        where = ["--data", str(place / data), "--out", str(tmp_path / task)]
        assert main(PROGRAMS[program], ["finetune", task, *where, *quick, *options]) == 0
    capsys.readouterr()
    texts = ["a", "BBB", "cD"]
    said = []
    for twin in PROGRAMS.values():
        monkeypatch.setattr("sys.stdin", io.StringIO("Say it. | a\n\n"))
        assert main(twin, ["classify", "--weights", str(tmp_path / "labels"), *texts]) == 0
        assert main(twin, ["chat", "--weights", str(tmp_path / "instructions"), "--max-new-tokens", "3"]) == 0
        (tmp_path / "text.txt").write_text("aabBcCdDeEfFgGhH", encoding="utf-8")
        where = ["--weights", str(tmp_path / "instructions"), "--text", str(tmp_path / "text.txt")]
        assert main(twin, ["evaluate", *where]) == 0
        where = ["--weights", str(tmp_path / "instructions"), "--prompt", "ab", "--max-new-tokens", "6", "--seed", "1"]
        assert main(twin, ["generate", *where, "--top-k", "7"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0].count("%") >= len(texts)
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize(("options", "words"), [(["--bf16"], "bf16"), (["--device", "cuda"], "device 'cuda'")])
def test_what_it_does_not_compute_with_is_refused(options, words, tmp_path, capsys):
    assert main(tensorflow_gpt, ["pretrain", "--out", str(tmp_path / "run"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_help_says_what_is_left_out(capsys):
    with pytest.raises(SystemExit):
        main(tensorflow_gpt, ["generate", "--help"])
    said = capsys.readouterr().out
    assert "Left out" in said
    assert "--no-cache" not in said
