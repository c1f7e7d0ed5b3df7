"""Fine-tuning as people meet it: both tasks, through the commands, in both twins; resumed, refused, merged, talked to."""

import gc
import io
import json
import os
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import assert_close, to_numpy, twins
from shared_gpt.checkpoints.run_files import load_tensors
from shared_gpt.cli import main
from shared_gpt.text import CharTokenizer, InstructionDataset, format_prompt, load_tokenizer, save_tokenizer
from shared_gpt.training.display import Display
from shared_gpt.training.instruction_tuning import InstructionTuning, answers, exact_matches, score_table
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings

TWINS = [numpy_gpt, torch_gpt]
LETTERS = "abcdefgh"
ENTRIES = [
    {"instruction": word, "input": letter, "output": letter * times, "category": word}
    for word, times in (("Double.", 2), ("Triple it.", 3))
    for letter in (*LETTERS, *(first + "." for first in LETTERS))
]
ROWS = [("loud" if letter.isupper() else "soft", letter * n) for letter in LETTERS + LETTERS.upper() for n in (1, 2, 5)]
TEXT = format_prompt(ENTRIES[0], "phi3") + format_prompt(ENTRIES[0]) + "Triple" + LETTERS + LETTERS.upper() + "<>"
TOKENIZER = CharTokenizer(TEXT, end_of_text=True)
CONFIG = GPTConfig(TOKENIZER.n_vocab, 52, 16, 2, 2, drop_rate=0.1)
QUICK = ["--steps", "6", "--batch-size", "4", "--eval-every", "2", "--eval-batches", "2", "--sample-every", "4"]
QUICK += ["--sample-tokens", "5", "--warmup", "2", "--lr", "1e-2", "--dtype", "float64"]
LORA = ["--lora-rank", "2", "--lora-dropout", "0.2"]
KINDS = {
    "instructions with LoRA": ["instructions", "--style", "phi3", "--mask-prompt", "--score", *LORA],
    "instructions": ["instructions", "--style", "phi3", "--score"],
    "labels with LoRA": ["labels", *LORA],
    "labels, last block": ["labels"],
    "labels, all": ["labels", "--train", "all"],
}
DATA = {"instructions": "instructions.json", "labels": "labels.tsv"}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a base model in float64, its tokenizer, and both kinds of data."""
    place = tmp_path_factory.mktemp("finetuning")
    model, _ = twins(CONFIG, 0)
    numpy_gpt.save_gpt2(model, place / "base")
    save_tokenizer(TOKENIZER, place / "base")
    (place / "instructions.json").write_text(json.dumps(ENTRIES), encoding="utf-8")
    (place / "labels.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in ROWS), encoding="utf-8")
    return place


@pytest.fixture
def no_pictures(monkeypatch):
    """They take longer than all steps."""
    monkeypatch.setattr("shared_gpt.plots.plot_losses", lambda *args: None)
    monkeypatch.setattr("shared_gpt.plots.plot_confusion", lambda *args: None)


def tune(twin, place: Path, out: Path, kind: str, *more: str) -> int:
    task, *options = KINDS[kind]
    where = ["--weights", place / "base", "--data", place / DATA[task], "--out", out]
    return main(twin, ["finetune", task, *map(str, where), *options, *QUICK, *more])


def resume(twin, out: Path, kind: str, *more: str) -> int:
    return main(twin, ["finetune", KINDS[kind][0], "--out", str(out), "--resume", *more])


@pytest.fixture(scope="module")
def done(place) -> Path:
    """Finished runs of the NumPy twin, by kind."""
    for kind in KINDS:
        assert tune(numpy_gpt, place, place / kind, kind) == 0
    return place


def numbers(out: Path) -> list[dict]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in RunFolder(out).rows()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_twins_train_alike(kind, done, tmp_path, no_pictures):
    """Dropout on, in the model and in the branches: losses, gradient lengths, weights, answers and accuracies."""
    assert tune(torch_gpt, done, tmp_path, kind) == 0
    ours, theirs = numbers(done / kind), numbers(tmp_path)
    assert len(ours) == 7
    assert ours[-1]["train_loss"] < ours[0]["train_loss"]
    for row, twin_row in zip(ours, theirs):
        assert row.keys() == twin_row.keys()
        assert list(row.values()) == [
            value if value is None else pytest.approx(value, rel=1e-10) for value in twin_row.values()
        ]
    assert json.loads((done / kind / "scores.json").read_text()) == json.loads((tmp_path / "scores.json").read_text())
    assert (done / kind / "samples.txt").read_text() == (tmp_path / "samples.txt").read_text()
    tensors, twin_tensors = (load_tensors(out / "last.safetensors")[0] for out in (done / kind, tmp_path))
    for name in tensors:
        if "c_attn.bias" not in name:  # the key's part is noise
            assert_close(tensors[name], twin_tensors[name], 1e-9, name)
    if "instructions" in kind:
        assert (done / kind / "responses.json").read_bytes() == (tmp_path / "responses.json").read_bytes()


class Killed(BaseException):
    """Like SIGKILL, no handler of the program sees it coming."""


class Killer(Display):
    last_step = 0

    def step(self, step, loss, tokens):
        if step == self.last_step + 1:
            raise Killed


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("kind", ["instructions with LoRA", "labels with LoRA", "labels, last block"])
def test_a_run_that_was_killed_goes_on_bit_by_bit(twin, kind, place, tmp_path, monkeypatch, no_pictures):
    """Without the first command's options: the run keeps them."""
    assert tune(twin, place, tmp_path / "whole", kind) == 0
    starting = "shared_gpt.training.display.choose_display"
    for last_step in (1, 3, 5):  # before the first checkpoint, after the first, after the second
        out = tmp_path / str(last_step)
        with monkeypatch.context() as patch:
            patch.setattr(starting, Killer)
            patch.setattr(Killer, "last_step", last_step)
            with pytest.raises(Killed):
                tune(twin, place, out, kind)
        gc.collect()  # the lock of a dead process is free
        assert (out / "last.safetensors").exists() == (last_step > 1)
        assert resume(twin, out, kind) == 0
        assert numbers(out) == numbers(tmp_path / "whole")
        for name in ("samples.txt", "scores.json", "task.json"):
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
        for name in ("last.safetensors", "best.safetensors"):
            tensors, expected = (load_tensors(folder / name)[0] for folder in (out, tmp_path / "whole"))
            assert {name: a.tobytes() for name, a in tensors.items()} == {n: a.tobytes() for n, a in expected.items()}


CHANGES = [
    (["--lora-rank", "3"], "lora_rank 2 → 3"),
    (["--lora-alpha", "7"], "lora_alpha None → 7.0"),
    (["--lora-targets", "c_fc"], "lora_targets ['c_attn', 'c_proj', 'c_fc'] → ['c_fc']"),
    (["--data", "other.json"], "data 2,"),
    (["--weights", "other"], "weights sha256 "),
    (["--batch-size", "2"], "batch_size 4 → 2"),
    (["--test-fraction", "0.3"], "test_fraction 0.1 → 0.3"),
]


@pytest.mark.parametrize(("options", "message"), CHANGES)
def test_another_run_is_refused_with_the_difference(options, message, done, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("other.json").write_text(json.dumps(ENTRIES[:-1]), encoding="utf-8")
    other, _ = twins(CONFIG, 1)
    numpy_gpt.save_gpt2(other, "other")
    save_tokenizer(TOKENIZER, "other")
    out = done / "instructions with LoRA"
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    capsys.readouterr()
    assert resume(numpy_gpt, out, "instructions with LoRA", *options) == 2
    error = capsys.readouterr().err.strip()
    assert f"cannot go on as another one ({message}" in error
    assert "\n" not in error
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_a_run_goes_on_for_more_steps(done, tmp_path, capsys, no_pictures):
    assert tune(numpy_gpt, done, tmp_path, "labels with LoRA") == 0
    assert resume(numpy_gpt, tmp_path, "labels with LoRA", "--steps", "8") == 0
    assert "changed since then: steps 6 → 8" in capsys.readouterr().out
    assert [row["step"] for row in numbers(tmp_path)] == list(range(9))


def test_two_processes_do_not_train_in_one_folder(done, capsys):
    other = RunFolder(done / "instructions")
    other.lock()
    assert resume(numpy_gpt, done / "instructions", "instructions", "--steps", "9") == 2
    assert "Another process is training" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["instructions with LoRA", "labels with LoRA"])
def test_the_base_is_bit_identical_after_training_and_best_is_merged(kind, done):
    base = dict(numpy_gpt.load_gpt2(done / "base", np.float64).state_dict())
    last, _ = load_tensors(done / kind / "last.safetensors")
    kept = {name: last[f"model.{name}"] for name in base}
    assert all(np.array_equal(base[name], kept[name]) for name in base)
    assert not any(name.startswith("optimizer.m.") and ".lora_" not in name for name in last)
    best, metadata = load_tensors(done / kind / "best.safetensors")
    assert metadata["step"] == 6
    for name in base:
        delta = 0
        if f"model.{name.removesuffix('.weight')}.lora_A" in last:
            A, B = (last[f"model.{name.removesuffix('.weight')}.lora_{matrix}"] for matrix in "AB")
            delta = 4 / 2 * (B @ A)  # alpha is twice the rank
            assert np.abs(delta).max() > 0
        assert_close(best[f"model.{name}"], base[name] + delta, 1e-12, name)


LAYERS = [f"h.{i}.{layer}" for i in range(2) for layer in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")]


@pytest.mark.parametrize(
    ("kind", "learns"),
    [
        ("instructions with LoRA", {f"{layer}.lora_{matrix}" for layer in LAYERS for matrix in "AB"}),
        ("labels with LoRA", {f"{layer}.lora_{matrix}" for layer in (*LAYERS, "lm_head") for matrix in "AB"}),
        ("labels, last block", ("h.1.", "ln_f.", "lm_head.")),
        ("labels, all", ""),
        ("instructions", ""),
    ],
)
def test_what_learns_is_what_was_asked_for(kind, learns, done):
    last, _ = load_tensors(done / kind / "last.safetensors")
    trained = {name.removeprefix("optimizer.m.") for name in last if name.startswith("optimizer.m.")}
    names = {name.removeprefix("model.") for name in last if name.startswith("model.")}
    assert trained == (learns if isinstance(learns, set) else {name for name in names if name.startswith(learns)})


@pytest.mark.parametrize("twin", TWINS)
def test_the_adapter_of_a_run_loads_in_peft_and_here(twin, done, tmp_path, no_pictures):
    import peft
    import transformers

    assert tune(twin, done, tmp_path / "run", "instructions with LoRA") == 0
    theirs = transformers.GPT2LMHeadModel.from_pretrained(done / "base", dtype=torch.float64)
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path / "run" / "adapter").double().eval()
    ids = np.arange(20).reshape(2, 10)
    logits = theirs(torch.from_numpy(ids)).logits
    assert_close(numpy_gpt.load_run(tmp_path / "run")(ids), logits, 1e-10)
    again = numpy_gpt.load_gpt2(done / "base", np.float64)
    numpy_gpt.load_lora(again, tmp_path / "run" / "adapter")
    assert_close(again(ids), logits, 1e-10)


def dataset(entries, mask_prompt=False) -> InstructionDataset:
    return InstructionDataset(entries, TOKENIZER, CONFIG.context_length, "phi3", mask_prompt)


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("mask_prompt", [True, False])
def test_the_loss_is_of_the_answers_alone_where_prompts_are_masked(twin, mask_prompt):
    settings = TrainSettings(steps=1, batch_size=3, eval_batches=0, dtype="float64")
    model = twins(CONFIG, 0)[TWINS.index(twin)]
    sets = dataset(ENTRIES[:8], mask_prompt), dataset(ENTRIES[8:], mask_prompt)
    run = InstructionTuning(twin, model, np.random.default_rng(0), settings, TOKENIZER, *sets)
    rows = []
    run.watchers.append(rows.append)
    run.record({"step": 0, "tokens": 0}, measure=True)
    judge, surprises = twins(CONFIG, 0)[1], []
    for entry in ENTRIES[8:]:
        prompt = TOKENIZER.encode(format_prompt(entry, "phi3"))
        ids = np.array([*prompt, *TOKENIZER.encode(entry["output"]), TOKENIZER.eot])
        logits = to_numpy(judge(torch.from_numpy(ids[None, :-1])))[0]
        surprise = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(ids) - 1), ids[1:]]
        surprises += surprise[len(prompt) - 1 if mask_prompt else 0 :].tolist()
    assert rows[0]["val_loss"] == pytest.approx(np.mean(surprises), rel=1e-10)


@pytest.mark.parametrize("twin", TWINS)
def test_answers_are_those_of_each_entry_alone(twin):
    """However long the others of its batch are: up to the end token, the limit, or the context's end."""
    long = [{"instruction": "abcdefgh"[:n] * 2, "input": "", "output": ""} for n in (1, 3, 5, 8)]
    entries = [*ENTRIES[:6], *long]
    model = twins(CONFIG, 3)[TWINS.index(twin)]
    model.state_dict()["wte.weight"][TOKENIZER.eot] *= 2  # so that some answers end
    ends = set()
    for limit in (1, 6, 100):
        responses = answers(twin, model, TOKENIZER, entries, "phi3", limit, batch_size=4)
        for entry, answer in zip(entries, responses):
            prompt = TOKENIZER.encode(format_prompt(entry, "phi3"))
            room = min(limit, CONFIG.context_length - len(prompt))
            (row,) = twin.generate(model, [prompt], room, temperature=0.0, eos_id=TOKENIZER.eot)
            new = row[len(prompt) :]
            ends.add("end token" if new[-1] == TOKENIZER.eot else "limit" if room == limit else "context")
            assert answer == TOKENIZER.decode([i for i in new if i != TOKENIZER.eot])
    assert ends == {"end token", "limit", "context"}


def test_exact_matches():
    entries = [
        {"instruction": "a", "output": "yes", "category": "one"},
        {"instruction": "b", "output": "no ", "category": "two"},
        {"instruction": "c", "output": "yes", "category": "one"},
        {"instruction": "d", "output": "x"},
    ]
    assert exact_matches(entries, [" yes\n", "no", "Yes", "x y"]) == {"": (0, 1), "one": (1, 2), "two": (1, 1)}
    assert exact_matches([], []) == {}


def test_what_an_instruction_run_leaves_and_says(place, tmp_path, capsys):
    out = tmp_path / "run"
    entries = [*ENTRIES, {"instruction": "abc" * 30, "input": "", "output": "too long"}]
    (tmp_path / "data.json").write_text(json.dumps(entries), encoding="utf-8")
    more = ["--data", str(tmp_path / "data.json"), "--steps", "2"]
    assert tune(numpy_gpt, place, out, "instructions with LoRA", *more) == 0
    said = capsys.readouterr().out
    assert "1 entries are longer than the context of 52 tokens and were left out" in said
    assert ["mlp.c_proj", "2", "16", "x", "64", "2", "4", "320"] in [line.split() for line in said.splitlines()]
    total = CONFIG.n_layers * 2 * ((16 + 48) + (16 + 16) + (16 + 64) + (64 + 16))
    assert ["together", "8", f"{total:,}"] in [line.split() for line in said.splitlines()]
    assert f"numpy_gpt: {total:,} of " in said
    assert "(wanted: " in said
    assert f"numpy-gpt chat --weights {out}" in said
    assert max(map(len, said.replace(str(out), "").splitlines())) <= 110
    rows = json.loads((out / "responses.json").read_text(encoding="utf-8"))
    assert len(rows) == 3
    assert all(set(row) == {"instruction", "input", "output", "category", "response"} for row in rows)
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    base = answers(numpy_gpt, numpy_gpt.load_gpt2(place / "base", np.float64), TOKENIZER, rows, "phi3")
    for when, responses in (("before", base), ("after", [row["response"] for row in rows])):
        assert scores[when] == {name: list(counts) for name, counts in exact_matches(rows, responses).items()}
    assert matplotlib.image.imread(out / "loss.png").shape[0] > 300


def test_what_a_label_run_leaves(done):
    scores = json.loads((done / "labels, last block" / "scores.json").read_text(encoding="utf-8"))
    assert [scores[part]["texts"] for part in ("training", "validation", "test")] == [33, 5, 10]
    for part in scores.values():
        assert np.sum(part["confusion"]) == part["texts"]
        assert np.trace(part["confusion"]) / part["texts"] == part["accuracy"]
    assert matplotlib.image.imread(done / "labels, last block" / "confusion.png").shape[0] > 300


@pytest.mark.parametrize("twin", TWINS)
def test_labels_are_judged_by_the_best_weights(twin, place, tmp_path, monkeypatch, no_pictures):
    judged = []
    monkeypatch.setattr(
        "shared_gpt.training.label_tuning.judge_labels", lambda twin, model, *rest: judged.append(model)
    )
    assert tune(twin, place, tmp_path, "labels, last block", "--lr", "3", "--eval-every", "1") == 0
    best, metadata = load_tensors(tmp_path / "best.safetensors")
    assert metadata["step"] < 6
    for name, tensor in judged[0].state_dict().items():
        assert np.array_equal(to_numpy(tensor), best[f"model.{name}"]), name


def test_the_score_keeps_closed_categories_apart():
    before = {"addition": [0, 2], "plurals": [1, 3], "rhymes": [1, 4]}
    after = {"addition": [1, 2], "plurals": [3, 3], "rhymes": [2, 4]}
    rows = [line.rsplit(maxsplit=4) for line in score_table({"before": before, "after": after}).splitlines()[1:]]
    assert rows == [
        ["addition", "2", "0", "1", "50.0%"],
        ["plurals", "3", "1", "3", "100.0%"],
        ["one right answer, all", "5", "1", "4", "80.0%"],
        ["several good answers, all", "4", "1", "2", "50.0%"],
    ]
    assert score_table({"after": {"": [1, 4]}}).splitlines()[1].split() == ["all", "4", "?", "1", "25.0%"]


WRONG = [
    ("instructions", ["--weights", "nowhere"], "nowhere is no file and no folder"),
    ("instructions", ["--data", "nowhere.json"], "'nowhere.json' is no file"),
    ("instructions", ["--data", "keyless.json"], "Entry 2 of keyless.json has no 'output'"),
    ("instructions", ["--data", "long.json"], "No entry is left of "),
    ("instructions", ["--data", "two.json"], "two.json has 2 examples, and none is left to validate on"),
    ("instructions", ["--test-fraction", "0.95"], "leave nothing to train on"),
    ("instructions", ["--batch-size", "99"], "do not fill one batch of batch_size 99"),
    ("instructions", ["--tokenizer", "stories"], "The tokenizer has 2048 tokens but the model knows"),
    ("instructions", ["--resume"], "is no run"),
    ("instructions with LoRA", ["--lora-rank", "0"], "The LoRA rank is 0; give"),
    ("instructions with LoRA", ["--lora-rank", "17"], "above the smaller side of h.0.attn.c_attn (48, 16)"),
    ("instructions with LoRA", ["--lora-alpha", "0"], "The LoRA alpha is 0"),
    ("instructions with LoRA", ["--lora-targets", "lm_head"], "shares its weight with the token embedding"),
    ("instructions with LoRA", ["--lora-targets", "c_atn"], "No linear layer is called c_atn"),
    ("labels", ["--data", "alone.tsv"], "There are 1 classes; give data with at least 2"),
    ("labels", ["--data", "tabless.tsv"], "Row 2 of tabless.tsv"),
]


@pytest.mark.parametrize(("kind", "options", "message"), WRONG)
def test_wrong_input_is_one_line_before_any_work(kind, options, message, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    long = [{"instruction": "abc" * 30, "input": "", "output": "a"}] * 20
    for name, entries in (("keyless", [ENTRIES[0], {"instruction": "a"}]), ("long", long), ("two", ENTRIES[:2])):
        Path(f"{name}.json").write_text(json.dumps(entries), encoding="utf-8")
    Path("alone.tsv").write_text("ham\tabc\n" * 20, encoding="utf-8")
    Path("tabless.tsv").write_text("ham\tabc\nspam abc\n", encoding="utf-8")
    kind = "labels, last block" if kind == "labels" else kind
    assert tune(numpy_gpt, place, tmp_path / "run", kind, *options) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "run" / "training.json").exists()


def test_a_run_needs_weights_and_a_folder_of_its_own(done, tmp_path, capsys):
    assert main(numpy_gpt, ["finetune", "labels", "--out", str(tmp_path)]) == 2
    assert "give --weights" in capsys.readouterr().err
    assert tune(numpy_gpt, done, done / "instructions", "instructions") == 2
    assert "holds a run already" in capsys.readouterr().err
    assert main(numpy_gpt, ["finetune", "labels", "--out", str(done / "instructions"), "--resume"]) == 2
    assert "is no finetune labels run" in capsys.readouterr().err


# Using what was learnt.


def typed(monkeypatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.parametrize("twin", TWINS)
def test_chat_answers_in_the_prompt_format_of_the_training(twin, done, monkeypatch, capsys):
    entries = [{"instruction": "Double.", "input": "a", "output": ""}, {"instruction": "Triple it.", "output": ""}]
    typed(monkeypatch, f"Double. | a\nTriple it.\n{'abc' * 30}\nDouble. | a\n\nTriple it.\n")
    out = done / "instructions with LoRA"
    assert main(twin, ["chat", "--weights", str(out)]) == 0
    said = capsys.readouterr().out
    responses = answers(twin, twin.load_run(out), load_tokenizer(out), entries, "phi3", 200)
    too_long = (
        f"That is {len(TOKENIZER.encode(format_prompt({'instruction': 'abc' * 30}, 'phi3')))} tokens; at most 51 fit."
    )
    assert said == f"{responses[0]}\n{responses[1]}\n{too_long} Ask in fewer words.\n{responses[0]}\n"


def test_chat_with_a_temperature_is_seeded(done, monkeypatch, capsys):
    out = []
    for seed in ("1", "1", "2"):
        typed(monkeypatch, "Double. | b\nDouble. | c\n")
        assert (
            main(numpy_gpt, ["chat", "--weights", str(done / "instructions"), "--temperature", "2", "--seed", seed])
            == 0
        )
        out.append(capsys.readouterr().out)
    assert out[0] == out[1] != out[2]


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("piped", [True, False])
def test_classify_names_the_class_and_its_probability(twin, piped, done, monkeypatch, capsys):
    texts = ["ab", "HHH", "a" * 80]
    typed(monkeypatch, "ab\n\nHHH\n" + "a" * 80 + "\n")
    out = done / "labels with LoRA"
    assert main(twin, ["classify", "--weights", str(out), *([] if piped else texts)]) == 0
    captured = capsys.readouterr()
    tensors, _ = load_tensors(out / "best.safetensors")
    model = numpy_gpt.GPTModel(CONFIG, dtype=np.float64)
    numpy_gpt.add_class_head(model, 2)
    model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()})
    for line, text in zip(captured.out.splitlines(), texts, strict=True):
        ids = np.array([TOKENIZER.encode(text)[: CONFIG.context_length]])
        logits = model.eval()(ids)[0, -1]
        p = np.exp(logits) / np.exp(logits).sum()
        assert line == f"{('loud', 'soft')[p.argmax()]}  {p.max():6.1%}  {text}"
    assert "the first 52 of 80 tokens" in captured.err


MISUSES = [
    (["chat", "--weights", "labels with LoRA"], "is no finetune instructions run"),
    (["chat", "--weights", "base"], "is no finetune instructions run; give the folder of one, or marren-chat."),
    (["chat", "--weights", "nowhere"], "is no finetune instructions run"),
    (["classify", "--weights", "instructions", "a"], "is no finetune labels run"),
    (["classify", "--weights", "labels with LoRA", ""], "gives no token"),
    (["classify", "--weights", "labels with LoRA", "ä"], "The character 'ä'"),
    (
        ["generate", "--weights", "labels with LoRA"],
        "a classifier of 2 classes, which writes no text; sort texts with it",
    ),
    (["finetune", "labels", "--weights", "labels, all", "--out", "new"], "a classifier of 2 classes"),
    (["generate", "--weights", "instructions with LoRA/last.safetensors"], "load best.safetensors beside it"),
]


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(("args", "message"), MISUSES)
def test_the_wrong_command_is_told_the_right_one(twin, args, message, done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    assert main(twin, args) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


@pytest.mark.parametrize("task", ["{", "[]", "{}"])
def test_a_run_whose_task_is_lost(task, done, tmp_path, capsys):
    (tmp_path / "task.json").write_text(task, encoding="utf-8")
    assert main(numpy_gpt, ["chat", "--weights", str(tmp_path)]) == 2
    assert "\n" not in capsys.readouterr().err.strip()


def test_the_real_set_with_gpt2s_vocabulary(tmp_path, capsys):
    """1,100 entries and 50,257 tokens, with a small random model: it runs through."""
    data = Path(os.environ.get("NUMPY_GPT_TEST_DATA", "")) / "instruction-data.json"
    if not data.is_file() or "TIKTOKEN_CACHE_DIR" not in os.environ:
        pytest.skip("needs instruction-data.json in the folder that NUMPY_GPT_TEST_DATA names, and TIKTOKEN_CACHE_DIR")
    model = numpy_gpt.GPTModel(GPTConfig(50257, 192, 8, 2, 1), np.random.default_rng(0))
    numpy_gpt.save_gpt2(model, tmp_path / "base")
    where = ["--weights", str(tmp_path / "base"), "--data", str(data), "--out", str(tmp_path / "run")]
    few = [
        "--steps",
        "2",
        "--batch-size",
        "2",
        "--eval-batches",
        "1",
        "--sample-tokens",
        "2",
        "--test-fraction",
        "0.01",
    ]
    assert main(numpy_gpt, ["finetune", "instructions", *where, "--lora-rank", "2", *few]) == 0
    assert len(json.loads((tmp_path / "run" / "responses.json").read_text(encoding="utf-8"))) == 11
