"""The book's own checkpoints: both twins load what its code saves and compute what its network computes, and its code loads what
they write."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from parity_tests.book_code import BookGPT
from shared_gpt.checkpoints import CheckpointError
from shared_gpt.cli import main
from shared_gpt.text import CharTokenizer, save_tokenizer

CFG = {"vocab_size": 23, "context_length": 9, "emb_dim": 12, "n_heads": 3, "n_layers": 2, "qkv_bias": False}
TWINS = [numpy_gpt, torch_gpt]
IDS = np.random.default_rng(0).integers(23, size=(2, 9))


def logits(model, ids=IDS) -> np.ndarray:
    if isinstance(model, numpy_gpt.GPTModel):
        return model(ids)
    with torch.no_grad():
        return model(torch.from_numpy(ids)).numpy()


def saved(folder, model, name="model.pth", **options):
    torch.save(model.state_dict(), folder / name, **options)
    return folder / name


def load(twin, path, n_heads=3):
    return twin.load_gpt2(path, twin.float64, n_heads)


@given(
    vocab_size=st.integers(2, 40),
    context_length=st.integers(1, 12),
    head_dim=st.integers(1, 6),
    n_heads=st.integers(1, 5),
    n_layers=st.integers(1, 3),
    qkv_bias=st.booleans(),
    tied=st.booleans(),
    seed=st.integers(0, 99),
)
def test_logits_are_those_of_the_books_network(tmp_path_factory, head_dim, n_heads, tied, seed, **sizes):
    model = BookGPT({"emb_dim": head_dim * n_heads, "n_heads": n_heads, **sizes}, seed)
    if tied:
        model.out_head.weight = model.tok_emb.weight
    ids = np.random.default_rng(seed).integers(sizes["vocab_size"], size=(2, sizes["context_length"]))
    path = saved(tmp_path_factory.mktemp("book"), model)
    for twin in TWINS:
        loaded = load(twin, path, n_heads)
        assert loaded.config.tie_embeddings == tied
        assert loaded.config.qkv_bias == sizes["qkv_bias"]
        np.testing.assert_allclose(logits(loaded, ids), logits(model, ids), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("qkv_bias", [False, True])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("twin", TWINS)
def test_the_books_code_loads_what_is_written(twin, qkv_bias, tied, tmp_path):
    """Strictly, the masks too, without unpickling code; and here every bit comes back."""
    config = numpy_gpt.GPTConfig(**CFG).replace(qkv_bias=qkv_bias, tie_embeddings=tied)
    ours = twin.GPTModel(config, dtype=twin.float64).eval()
    rng = np.random.default_rng(3)
    ours.load_state_dict({key: rng.standard_normal(array.shape) for key, array in ours.state_dict().items()})
    twin.save_gpt2(ours, tmp_path / "out", layout="book")
    theirs = BookGPT(CFG | {"qkv_bias": qkv_bias})
    theirs.load_state_dict(torch.load(tmp_path / "out" / "model.pth", weights_only=True))
    np.testing.assert_allclose(logits(ours), logits(theirs), rtol=1e-10, atol=1e-10)
    again = twin.load_gpt2(tmp_path / "out", twin.float64)  # config.json says how many heads
    assert again.config == config
    state = ours.state_dict()
    assert all(np.array_equal(np.asarray(array), np.asarray(state[key])) for key, array in again.state_dict().items())


def test_what_is_stored_once_takes_its_place_once(tmp_path):
    tied = numpy_gpt.GPTConfig(vocab_size=500, context_length=64, emb_dim=8, n_heads=2, n_layers=4)
    numpy_gpt.save_gpt2(numpy_gpt.GPTModel(tied), tmp_path, layout="book")
    weights = 4 * numpy_gpt.GPTModel(tied).num_parameters()
    assert (tmp_path / "model.pth").stat().st_size < weights + 4 * 64 * 64 + 20_000


@pytest.mark.parametrize("twin", TWINS)
def test_the_weights_may_lie_beside_an_optimizers_state(twin, tmp_path):
    model = BookGPT(CFG)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.from_numpy(IDS)).sum().backward()
    optimizer.step()
    kept = {"model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict()}
    torch.save(kept, tmp_path / "model_and_optimizer.pth")
    loaded = load(twin, tmp_path / "model_and_optimizer.pth")
    np.testing.assert_allclose(logits(loaded), logits(model), rtol=1e-10, atol=1e-10)


def test_a_compiled_models_names_and_old_or_safe_files_are_read(tmp_path):
    from safetensors.torch import save_file

    model = BookGPT(CFG | {"qkv_bias": True})
    expected = logits(model)
    wrapped = {f"_orig_mod.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save(wrapped, tmp_path / "compiled.pth")
    saved(tmp_path, model, "old.pth", _use_new_zipfile_serialization=False)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    for name in ("compiled.pth", "old.pth", "model.safetensors"):
        np.testing.assert_allclose(logits(load(numpy_gpt, tmp_path / name)), expected, rtol=1e-10, atol=1e-10)


def test_the_heads_are_known_from_gpt2s_sizes_or_the_books_own_words_or_asked_for(tmp_path, monkeypatch):
    from shared_gpt.checkpoints import fitting

    model = BookGPT(CFG)
    path = saved(tmp_path, model)
    with pytest.raises(CheckpointError, match=r"how many attention heads .*model\.pth has.*--n-heads"):
        numpy_gpt.load_gpt2(path)
    with pytest.raises(CheckpointError, match="emb_dim 12 does not divide into n_heads 5"):
        numpy_gpt.load_gpt2(path, n_heads=5)
    (tmp_path / "config.json").write_text(json.dumps(CFG), encoding="utf-8")  # the book's dictionary as it is
    assert numpy_gpt.load_gpt2(path).config.n_heads == 3
    assert numpy_gpt.load_gpt2(path, n_heads=3).config.n_heads == 3
    with pytest.raises(CheckpointError, match=r"config\.json gives .* 3 attention heads, not 4; leave --n-heads out"):
        numpy_gpt.load_gpt2(path, n_heads=4)
    (tmp_path / "config.json").unlink()
    monkeypatch.setattr(fitting, "GPT2_SIZES", {"gpt2-small": {"emb_dim": 12, "n_heads": 6, "n_layers": 2}})
    assert numpy_gpt.load_gpt2(path).config.n_heads == 6  # as the real sizes would, which are too large for a test


@pytest.mark.parametrize("config", ["[]", '{"n_heads": "3"}', '{"n_heads": 3, "emb_dim": null}', '{"n_heads": [[]]}'])
def test_a_config_that_says_nonsense_is_refused(config, tmp_path):
    path = saved(tmp_path, BookGPT(CFG))
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        numpy_gpt.load_gpt2(path)


def test_what_is_no_whole_language_model_is_refused_by_name(tmp_path):
    def refusal(change) -> str:
        state = dict(BookGPT(CFG).state_dict())
        change(state)
        torch.save(state, tmp_path / "model.pth")
        with pytest.raises(CheckpointError) as refused:
            numpy_gpt.load_gpt2(tmp_path / "model.pth", n_heads=3)
        return str(refused.value)

    assert "lacks trf_blocks.1.att.W_key.weight" in refusal(lambda s: s.pop("trf_blocks.1.att.W_key.weight"))
    uneven = {"trf_blocks.0.att.W_value.weight": torch.ones(12, 11)}
    assert "the three are alike" in refusal(lambda s: s.update(uneven))
    assert "a classifier of 2 classes" in refusal(lambda s: s.update({"out_head.bias": torch.ones(2)}))
    lora = {"trf_blocks.0.att.W_query.lora.A": torch.ones(12, 2)}
    assert "LoRA's matrices apart" in refusal(lambda s: s.update(lora))
    assert "norm1.scale" in refusal(lambda s: s.update({"trf_blocks.0.norm1.scale": torch.ones(5)}))
    assert "norm9 is unexpected" in refusal(lambda s: s.update({"trf_blocks.0.norm9": torch.ones(5)}))
    assert "pos_emb.weight" in refusal(lambda s: s.update({"pos_emb.weight": torch.full((9, 12), torch.nan)}))
    assert "ln_f.weight (12,) is missing" in refusal(lambda s: s.pop("final_norm.scale"))


# The commands


def said(capsys, *args, twin=numpy_gpt) -> str:
    assert main(twin, list(map(str, args))) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_inspect_shows_a_file_of_the_books(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    out = said(capsys, "inspect", saved(tmp_path, BookGPT(CFG)), "--n-heads", 3)
    assert "the layout of the book's code" in out
    assert "ignored: trf_blocks.1.att.mask (the causal mask, a constant)" in out
    assert "n_heads=3" in out
    assert "h.0…1 attn.c_attn 36 × 12 864 float64" in " ".join(out.split())


@pytest.mark.parametrize("twin", TWINS)
def test_there_and_back_and_used_on_the_way(twin, tmp_path, capsys):
    """model.pth → Hugging Face's layout → model.pth: the same numbers, and the tokenizer goes along."""
    model = BookGPT(CFG | {"qkv_bias": True})
    path = saved(tmp_path, model)
    save_tokenizer(CharTokenizer("abcdefghijklmnopqrst?!"), tmp_path)
    writing = ["--prompt", "abc", "--max-new-tokens", 5, "--temperature", 0]
    text = said(capsys, "generate", "--weights", path, "--n-heads", 3, *writing, twin=twin)
    said(capsys, "convert", path, tmp_path / "hf", "--n-heads", 3, twin=twin)
    said(capsys, "convert", tmp_path / "hf", tmp_path / "back", "--layout", "book", twin=twin)
    again = torch.load(tmp_path / "back" / "model.pth", weights_only=True)
    assert all(torch.equal(tensor, again[name]) for name, tensor in model.state_dict().items())
    assert list(again.keys() - model.state_dict().keys()) == []
    for folder in ("hf", "back"):
        assert said(capsys, "generate", "--weights", tmp_path / folder, *writing, twin=twin) == text
    assert "perplexity" in said(
        capsys, "evaluate", "--weights", tmp_path / "back", "--text", story(tmp_path), twin=twin
    )


def story(folder):
    (folder / "story.txt").write_text("abc?" * 30, encoding="utf-8")
    return folder / "story.txt"


def test_a_folder_that_holds_other_weights_too_stays_theirs(tmp_path):
    """transformers' Trainer leaves rng_state.pth beside model.safetensors."""
    model = numpy_gpt.GPTModel(numpy_gpt.GPTConfig(**CFG))
    numpy_gpt.save_gpt2(model, tmp_path)
    torch.save({"python": 7}, tmp_path / "rng_state.pth")
    assert numpy_gpt.load_gpt2(tmp_path).config.emb_dim == 12
    with pytest.raises(ValueError, match=r"already holds model\.safetensors"):
        numpy_gpt.save_gpt2(model, tmp_path, layout="book")


def test_fine_tuning_begins_from_a_file_of_the_books(tmp_path, capsys, monkeypatch):
    from shared_gpt.text import BytePairTokenizer
    from shared_gpt.training.training_run import TrainingRun

    monkeypatch.setattr(TrainingRun, "draw", lambda run: None)  # a picture takes longer than all steps

    tokenizer = BytePairTokenizer.train("Add 1 and 2. Q: A:\n", 270)
    saved(tmp_path, BookGPT(CFG | {"vocab_size": tokenizer.n_vocab, "context_length": 64}))
    save_tokenizer(tokenizer, tmp_path)
    lines = [json.dumps({"instruction": f"Add {i}.", "input": "", "output": f"{i}"}) for i in range(30)]
    (tmp_path / "data.jsonl").write_text("\n".join(lines), encoding="utf-8")
    options = ["--data", tmp_path / "data.jsonl", "--style", "qa", "--batch-size", 2, "--eval-batches", 1]
    tune = ["finetune", "instructions", *options, "--weights", tmp_path / "model.pth", "--n-heads", 3]
    said(capsys, *tune, "--steps", 1, "--out", tmp_path / "run")
    said(capsys, "finetune", "instructions", "--resume", "--steps", 2, "--out", tmp_path / "run")
    assert json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))["n_heads"] == 3
