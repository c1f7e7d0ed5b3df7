"""`generate` and `evaluate`: what the terminal shows is what the functions give, in both packages."""

import io
import re

import numpy as np
import pytest
from PIL import Image

import numpy_gpt
import torch_gpt
from parity_tests.report.measure import twins
from shared_gpt import plots
from shared_gpt.cli import main
from shared_gpt.config import GPTConfig
from shared_gpt.text import BytePairTokenizer, load_text, save_tokenizer

PAIR = (numpy_gpt, torch_gpt)
TEXT = "The old lamp keeper wrote the day's wind in a book. 🦜 And the next day he wrote it again."


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    """A folder with a small model, trained on nothing, and its tokenizer."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = BytePairTokenizer.train(TEXT, 280)
    config = GPTConfig(vocab_size=tokenizer.n_vocab, context_length=12, emb_dim=15, n_heads=3, n_layers=2)
    numpy_gpt.save_gpt2(twins(config, 0, "float32")[0], folder)
    save_tokenizer(tokenizer, folder)
    return str(folder)


def tokenizer_of(weights):
    from shared_gpt.text import load_tokenizer

    return load_tokenizer(weights)


@pytest.mark.parametrize("twin", PAIR)
@pytest.mark.parametrize("no_cache", [[], ["--no-cache"]])
def test_generate_shows_what_generate_gives(twin, no_cache, weights, capsys):
    tokenizer = tokenizer_of(weights)
    ids = tokenizer.encode("The old")
    rng = np.random.default_rng(3)
    model = twin.load_gpt2(weights)
    expected = twin.generate(model, [ids], 20, temperature=0.9, top_k=50, eos_id=tokenizer.eot, rng=rng)[0]
    options = ["--prompt", "The old", "--max-new-tokens", "20", "--temperature", "0.9", "--seed", "3", *no_cache]
    assert main(twin, ["generate", "--weights", weights, *options]) == 0
    shown = capsys.readouterr()
    assert shown.out == tokenizer.decode(expected).removesuffix("<|endoftext|>") + "\n"
    assert f"{len(expected) - len(ids)} tokens, " in shown.err


@pytest.mark.parametrize("twin", PAIR)
def test_prompt_lookup_shows_the_same_text_and_what_it_guessed(twin, weights, capsys):
    options = ["generate", "--weights", weights, "--prompt", "The day. The day.", "--max-new-tokens", "20"]
    assert main(twin, [*options, "--temperature", "0"]) == 0
    plain = capsys.readouterr()
    assert main(twin, [*options, "--temperature", "0", "--prompt-lookup", "4"]) == 0
    shown = capsys.readouterr()
    assert shown.out == plain.out
    right, guessed = map(int, re.search(r"a second, (\d+) of (\d+) guessed tokens were right", shown.err).groups())
    assert guessed >= right > 0
    assert main(twin, [*options, "--prompt-lookup", "4"]) == 2
    assert "add --temperature 0." in capsys.readouterr().err
    assert main(twin, [*options, "--temperature", "0", "--prompt-lookup", "4", "--no-cache"]) == 2
    assert "--prompt-lookup does not go with --no-cache" in capsys.readouterr().err


def test_prompts(weights, capsys, monkeypatch):
    """From standard input, and none; a text of the model's own does not begin with the sign it grew from."""
    monkeypatch.setattr("sys.stdin", io.StringIO("The day\n"))
    assert main(numpy_gpt, ["generate", "--weights", weights, "--prompt", "-", "--max-new-tokens", "0"]) == 0
    assert capsys.readouterr().out == "The day\n"
    options = ["--max-new-tokens", "3", "--temperature", "0", "--go-on"]
    assert main(numpy_gpt, ["generate", "--weights", weights, *options]) == 0
    tokenizer = tokenizer_of(weights)
    ids = numpy_gpt.generate(numpy_gpt.load_gpt2(weights), [[tokenizer.eot]], 3)[0]
    assert capsys.readouterr().out == tokenizer.decode(ids[1:]) + "\n"


def test_a_prompt_longer_than_the_context_says_what_counts(weights, capsys):
    seen = numpy_gpt.load_gpt2(weights).config.context_length
    for words, note in ((2 * seen, f"Only the last {seen} of the prompt's"), (1, "")):
        command = ["generate", "--weights", weights, "--prompt", "The " * words, "--max-new-tokens", "1"]
        assert main(numpy_gpt, command) == 0
        assert capsys.readouterr().err.startswith(note or "1 token,")


def test_the_end_of_a_text(weights, tmp_path, capsys):
    """A model that always says <|endoftext|> stops at once, and that is not shown; unless it is told to go on."""
    model, tokenizer = numpy_gpt.load_gpt2(weights), tokenizer_of(weights)
    state = model.state_dict()
    state["ln_f.bias"] += 100 * state["wte.weight"][tokenizer.eot]
    numpy_gpt.save_gpt2(model, tmp_path)
    save_tokenizer(tokenizer, tmp_path)
    command = ["generate", "--weights", str(tmp_path), "--prompt", "The", "--max-new-tokens", "4"]
    assert main(numpy_gpt, command) == 0
    shown = capsys.readouterr()
    assert shown.out == "The\n"
    assert shown.err.startswith("1 token,")
    assert main(numpy_gpt, [*command, "--go-on"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "The" + 4 * "<|endoftext|>" + "\n"
    assert shown.err.startswith("4 tokens,")


@pytest.mark.parametrize("twin", PAIR)
def test_pictures(twin, weights, tmp_path, capsys):
    names = [tmp_path / f"{kind}.png" for kind in ("candidates", "attention", "block")]
    options = ["--prompt", "The 🦜", "--max-new-tokens", "13", "--seed", "0", "--candidates", str(names[0])]
    assert main(twin, ["generate", "--weights", weights, *options, "--attention", str(names[1])]) == 0
    assert main(twin, ["generate", "--weights", weights, "--attention", str(names[2]), "--block", "1"]) == 0
    for name in names:
        with Image.open(name) as picture:
            assert picture.format == "PNG"
            assert len(set(picture.convert("RGB").resize((50, 50)).getdata())) > 10  # not blank
    assert str(names[0]) in capsys.readouterr().err


def test_characters_that_the_font_lacks_are_drawn_quietly(tmp_path, recwarn):
    maps = np.tril(np.ones((1, 2, 3, 3))) / np.arange(1, 4)[:, None]
    plots.plot_attention(maps, ["中", "$x^$", "🦜"], tmp_path / "a.png")
    plots.plot_candidates(["中", "$"], [[("中", 0.6), ("$x^$", 0.4)], [("🦜", 1.0)]], tmp_path / "c.png")
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("twin", PAIR)
@pytest.mark.parametrize(("options", "stride"), [([], 6), (["--stride", "12"], 12), (["--stride", "5"], 5)])
def test_evaluate_prints_the_perplexity(twin, options, stride, weights, capsys):
    tokenizer = tokenizer_of(weights)
    tokens = tokenizer.encode(load_text("stories"))[:100]
    expected = twin.perplexity(twin.load_gpt2(weights), tokens, stride)
    assert main(twin, ["evaluate", "--weights", weights, "--max-tokens", "100", *options]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"perplexity {expected:.3f} over 99 tokens"
    bits = np.log2(expected) * 99 / len(tokenizer.decode_bytes(tokens[1:]))
    assert second == f"loss {np.log(expected):.4f} nats per token, {bits:.4f} bits per byte"
    assert f"windows of 12 tokens, every {stride};" in third


BAD = [
    (["generate", "--prompt", ""], "--prompt is empty; give a value"),
    (["generate", "--temperature", "-1"], "temperature is -1.0"),
    (["generate", "--block", "2", "--attention", "a.png"], "block is 2; the model has blocks 0 to 1"),
    (["generate", "--attention", "nowhere/a.png"], "the folder nowhere does not exist; make it first"),
    (["evaluate", "--stride", "13"], "stride is 13; give a whole number from 1 to the context_length of 12"),
    (["evaluate", "--max-tokens", "1"], "The text holds 1 tokens"),
    (["evaluate", "--text", "nowhere.txt"], "nowhere.txt"),
]


@pytest.mark.parametrize(("args", "message"), BAD)
def test_wrong_options_are_one_line(args, message, weights, capsys):
    for twin in PAIR:
        assert main(twin, [*args, "--weights", weights]) == 2
        shown = capsys.readouterr()
        assert message in shown.err
        assert shown.err.count("\n") == 1
        assert shown.out == ""


def test_a_tokenizer_of_another_model_is_refused(weights, tmp_path, capsys):
    save_tokenizer(BytePairTokenizer.train(load_text("stories"), 300), tmp_path)
    assert main(numpy_gpt, ["generate", "--weights", weights, "--tokenizer", str(tmp_path)]) == 2
    n = tokenizer_of(weights).n_vocab
    assert f"The tokenizer has 300 tokens but the model knows {n}" in capsys.readouterr().err
