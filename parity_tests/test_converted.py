"""A converted folder is a model that can be used: generate, chat and transformers find its tokenizer. Nothing is overwritten
unasked, and a picture's name is one."""

import json

import pytest
import torch

import numpy_gpt
import torch_gpt
from shared_gpt.checkpoints import save_tensors
from shared_gpt.cli import main
from shared_gpt.commands.plot import short_names
from shared_gpt.config import GPTConfig
from shared_gpt.text import BytePairTokenizer, CharTokenizer, load_text, load_tokenizer, save_tokenizer
from shared_gpt.text.bpe.huggingface import fast_tokenizer

TEXT = "The old lamp keeper's wind wrote 1,234 lines…  🦜 \n\n<|endoftext|> d'accord\tand\r\n ÿ"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that was taught to answer, with nothing learnt."""
    folder = tmp_path_factory.mktemp("run")
    tokenizer = BytePairTokenizer.train(load_text("stories")[:20000], 400, ("<|endoftext|>", "<|user|>"))
    config = GPTConfig(vocab_size=tokenizer.n_vocab, context_length=40, emb_dim=12, n_heads=3, n_layers=2)
    model = numpy_gpt.GPTModel(config)
    tensors = {f"model.{name}": array for name, array in model.state_dict().items()}
    save_tensors(folder / "best.safetensors", tensors, {"config": config.to_dict()})
    save_tokenizer(tokenizer, folder)
    (folder / "task.json").write_text('{"style": "qa"}', encoding="utf-8")
    return folder


def said(capsys, *args) -> str:
    assert main(numpy_gpt, list(map(str, args))) == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.parametrize("layout", ["huggingface", "openai"])
def test_generate_and_chat_on_a_converted_folder_find_its_tokenizer(layout, run, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    said(capsys, "convert", run, out, "--layout", layout)
    options = ["--prompt", "The lamp", "--max-new-tokens", 9, "--seed", 3]
    expected = said(capsys, "generate", "--weights", run, *options)
    assert said(capsys, "generate", "--weights", out, *options) == expected
    answers = []
    for folder in (run, out):
        lines = iter(["What is a lamp?", ""])
        monkeypatch.setattr("builtins.input", lambda _: next(lines))  # noqa: B023
        answers.append(said(capsys, "chat", "--weights", folder, "--max-new-tokens", 9))
    assert answers[0] == answers[1] != ""
    assert load_tokenizer(out).vocabulary == load_tokenizer(run).vocabulary


def test_transformers_finds_the_tokenizer_with_the_model(run, tmp_path, capsys):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = tmp_path / "out"
    shown = said(capsys, "convert", run, out)
    assert "tokenizer.json, tokenizer_config.json, vocab.json" in shown
    ours, theirs = load_tokenizer(run), AutoTokenizer.from_pretrained(out)
    for text in (TEXT, load_text("stories")[:3000]):
        ids = ours.encode(text, allowed_special="all")
        assert theirs(text)["input_ids"] == ids
        assert theirs.decode(ids) == text
    assert theirs.eos_token_id == ours.eot
    assert theirs.model_max_length == 40
    model = AutoModelForCausalLM.from_pretrained(out)
    expected = torch_gpt.load_gpt2(out)
    x = torch.tensor([ours.encode("The old lamp")])
    assert torch.allclose(model(x).logits, expected(x), atol=1e-5)


def test_characters_keep_their_form(tmp_path, capsys):
    tokenizer = CharTokenizer("abc")
    config = GPTConfig(vocab_size=tokenizer.n_vocab, context_length=8, emb_dim=8, n_heads=2, n_layers=1)
    numpy_gpt.save_gpt2(numpy_gpt.GPTModel(config), tmp_path / "model")
    save_tokenizer(tokenizer, tmp_path / "model")
    said(capsys, "convert", tmp_path / "model", tmp_path / "out", "--layout", "openai")
    assert said(capsys, "generate", "--weights", tmp_path / "out", "--prompt", "ab", "--max-new-tokens", 0) == "ab\n"


def test_a_tokenizer_that_cannot_be_read_does_not_keep_the_weights(tmp_path, run, capsys):
    folder = tmp_path / "model"
    numpy_gpt.save_gpt2(numpy_gpt.load_gpt2(run), folder)
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert "no tokenizer was written: " in said(capsys, "convert", folder, tmp_path / "out")
    assert numpy_gpt.load_gpt2(tmp_path / "out").config == numpy_gpt.load_gpt2(run).config


# What is there stays, unless --force


def test_nothing_is_overwritten_unasked(run, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("some text, and more of it", encoding="utf-8")
    commands = {
        "folder": ["convert", str(run)],
        "tokens.bin": ["prepare", str(text), "--tokenizer", str(run)],
        "tokenizer.json": ["train-tokenizer", str(text), "--vocab-size", "257"],
        "pair": ["train-tokenizer", str(text), "--vocab-size", "257"],
    }
    for name, command in commands.items():
        out = tmp_path / name
        command = [*command, *([] if name == "folder" else ["--out"]), str(out)]
        assert main(numpy_gpt, command) == 0
        before = {path: path.stat().st_mtime_ns for path in [out, *out.glob("*")]}
        capsys.readouterr()
        assert main(numpy_gpt, command) == 2
        assert (
            capsys.readouterr().err
            == f"numpy-gpt: {out} is there already; take another name, or --force to replace it.\n"
        )
        assert {path: path.stat().st_mtime_ns for path in [out, *out.glob("*")]} == before
        assert main(numpy_gpt, [*command, "--force"]) == 0


def test_force_replaces_the_tokenizer_too(run, tmp_path, capsys):
    out = tmp_path / "out"
    said(capsys, "convert", run, out)
    other = tmp_path / "other"
    tokenizer = BytePairTokenizer.train("abc", 257)
    config = GPTConfig(vocab_size=257, context_length=8, emb_dim=8, n_heads=2, n_layers=1)
    numpy_gpt.save_gpt2(numpy_gpt.GPTModel(config), other)
    tokenizer.save(other)
    said(capsys, "convert", other, out, "--force")
    assert load_tokenizer(out).vocabulary == tokenizer.vocabulary
    assert not (out / "task.json").exists()
    assert json.loads((out / "tokenizer.json").read_text(encoding="utf-8"))["model"]["merges"] == []


# Pictures


@pytest.mark.parametrize("args", ["plot run", "generate --weights run --attention", "anatomy", "tokenize abc --tree"])
def test_a_picture_in_a_format_that_is_none_is_refused(args, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    option = [] if args.endswith(("--attention", "--tree")) else ["--out"]
    assert main(numpy_gpt, [*args.replace("run", str(run)).split(), *option, "x.xyz"]) == 2
    error = capsys.readouterr().err
    assert "x.xyz names no picture that can be drawn; give a name that ends in .png" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.xyz").exists()


def test_runs_are_called_by_their_names(tmp_path):
    a, b, c = (tmp_path / name for name in ("one/first", "one/second", "two/first"))
    assert short_names([a, b]) == ["first", "second"]
    assert short_names([a, b, c]) == ["one/first", "one/second", "two/first"]
    assert short_names([a]) == ["first"]


def test_the_legend_shows_names(tmp_path, monkeypatch, capsys):
    from parity_tests.tiny_runs import tiny_run
    from shared_gpt import plots

    for name in "ab":
        tiny_run(numpy_gpt, tmp_path / name, steps=2).run()
    drawn = []
    monkeypatch.setattr(plots, "plot_losses", lambda runs, out: drawn.extend(runs))
    said(capsys, "plot", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "x.png")
    assert drawn == ["a", "b"]


def test_a_tokenizer_of_transformers_alone_is_read(tmp_path):
    """As save_pretrained leaves it: tokenizer.json, without merges and vocabulary beside it."""
    from transformers import GPT2TokenizerFast

    tokenizer = BytePairTokenizer.train(load_text("stories")[:20000], 400)
    tokenizer.save(tmp_path / "ours")
    names = (tmp_path / "ours" / "encoder.json", tmp_path / "ours" / "vocab.bpe")
    theirs = GPT2TokenizerFast(*map(str, names))
    theirs.save_pretrained(tmp_path / "theirs")
    assert not (tmp_path / "theirs" / "merges.txt").exists()
    read = load_tokenizer(tmp_path / "theirs")
    assert (
        read.encode(TEXT, allowed_special="all") == theirs.encode(TEXT) == tokenizer.encode(TEXT, allowed_special="all")
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"normalizer": {"type": "Lowercase"}}, "normalizer"),
        ({"pre_tokenizer": {"type": "Metaspace"}}, "Metaspace"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}, "add_prefix_space"),
        ({"model": {"type": "Unigram", "vocab": []}}, "Unigram"),
        ({"model": {"type": "BPE", "vocab": [], "merges": []}}, "'vocab' is"),
        ({"added_tokens": [{"id": "7", "content": "x"}]}, "'id' is '7'"),
    ],
)
def test_a_tokenizer_that_splits_otherwise_is_refused(change, words, tmp_path):
    path = tmp_path / "tokenizer.json"
    data = fast_tokenizer(BytePairTokenizer.train("the cat sat on the mat", 260))
    path.write_text(json.dumps(data), encoding="utf-8")
    load_tokenizer(path)
    path.write_text(json.dumps(data | change), encoding="utf-8")
    with pytest.raises(ValueError, match=words) as caught:
        load_tokenizer(path)
    assert str(path) in str(caught.value)
