"""Defaults, limits and rare inputs: what a change of one sign or one number would alter, and what no larger test looks at.

Each of these tests answers a mutant that lived (`python -m parity_tests.mutants`).
"""

import importlib
import inspect
import json

import numpy as np
import pytest

import numpy_gpt
from numpy_gpt import GPTConfig, distributed
from numpy_gpt.perplexity import perplexity, token_losses
from numpy_gpt.sampling import keep_top_p, probabilities
from parity_tests.report.checks.beside import RANK, SIZE, several_processes
from parity_tests.report.measure import one_twin
from shared_gpt import text
from shared_gpt.text.bpe.huggingface import fast_config, fast_tokenizer, write_fast_tokenizer
from shared_gpt.text.bpe.merge_tree import _grow
from shared_gpt.text.show import html_page, terminal_lines
from shared_gpt.text.streamer import TextStreamer
from shared_gpt.text.tokenizer import check_id_table, escaped, write_tokenizer

DEFAULTS = {
    "shared_gpt.text.windows.split_tokens": {"val_fraction": 0.1},
    "shared_gpt.text.windows.TokenWindows": {"stride": None},
    "shared_gpt.text.batches.split_examples": {"val_fraction": 0.1, "test_fraction": 0.0, "rng": None},
    "shared_gpt.text.batches.Batches": {"drop_last": True, "shuffle": True},
    "shared_gpt.text.batches.Dataset.batches": {"rng": None, "drop_last": True, "shuffle": True},
    "shared_gpt.text.instructions.InstructionDataset": {
        "context_length": None, "style": "alpaca", "mask_prompt": False, "skip_long": False,
    },
    "shared_gpt.text.instructions.collate": {"mask_prompt": False, "context_length": None},
    "shared_gpt.text.characters.CharTokenizer": {"end_of_text": False},
    "shared_gpt.text.bpe.training.learn_merges": {"min_frequency": 2},
    "shared_gpt.text.prompts.format_prompt": {"style": "alpaca"},
    "numpy_gpt.functional.layer_norm": {"eps": 1e-5},
    "numpy_gpt.functional.layer_norm_backward": {"eps": 1e-5},
    "numpy_gpt.optim.AdamW": {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8},
    "numpy_gpt.sampling.probabilities": {"temperature": 1.0, "top_k": None, "top_p": None},
    "numpy_gpt.generate.SamplingSettings": {"temperature": 0.0, "use_cache": True},
    "numpy_gpt.generate.stream": {"candidates": 0, "attention": False},
    "numpy_gpt.perplexity.perplexity": {"stride": None},
    "numpy_gpt.train.train": {"accumulate": 1, "max_norm": 1.0, "first_step": 0},
    "numpy_gpt.train.train_step": {"max_norm": 1.0},
}  # fmt: skip


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_part_of_the_interface(name):
    parts = name.split(".")
    depth = next(
        i for i, part in enumerate(parts) if i > 1 and hasattr(importlib.import_module(".".join(parts[:i])), part)
    )
    found = importlib.import_module(".".join(parts[:depth]))
    for part in parts[depth:]:
        found = getattr(found, part)
    parameters = inspect.signature(found).parameters
    assert {key: parameters[key].default for key in DEFAULTS[name]} == DEFAULTS[name]


def test_a_temperature_near_0_does_not_overflow():
    z = np.array([[3.0, 5.0, -4.0], [0.0, -1e3, 1.0]])
    np.testing.assert_array_equal(probabilities(z, 1e-308), [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(probabilities(z + 1e5, 0.5), probabilities(z, 0.5), rtol=1e-9)


def test_the_nucleus_ends_where_it_is_reached_exactly():
    np.testing.assert_array_equal(keep_top_p(np.array([[0.25, 0.5, 0.25]]), 0.5), [[0, 1, 0]])


def test_top_p_of_1_keeps_even_what_is_lost_in_the_sum():
    assert probabilities(np.array([[0.0, -60.0]]), top_p=1.0)[0, 1] == pytest.approx(np.exp(-60), rel=1e-9, abs=0)


@pytest.mark.parametrize("context_length", [1, 2, 3])
def test_perplexitys_default_stride_is_half_the_context(context_length):
    model = numpy_gpt.GPTModel(GPTConfig(11, context_length, 4, 2, 1), np.random.default_rng(1), numpy_gpt.float64)
    tokens = np.random.default_rng(2).integers(0, 11, 9).tolist()
    stride = max(context_length // 2, 1)
    sizes = [len(losses) for losses in token_losses(model, tokens)]
    assert sizes == [len(losses) for losses in token_losses(model, tokens, stride)]
    assert sizes[:2] == [context_length, stride]
    assert perplexity(model, tokens) == perplexity(model, tokens, stride)


def small_model():
    return numpy_gpt.GPTModel(GPTConfig(7, 4, 6, 2, 1, 0.0), np.random.default_rng(0), numpy_gpt.float64)


@pytest.mark.parametrize("batches", [[], [(np.zeros((1, 2), np.int64), np.full((1, 2), -100))]])
def test_there_must_be_something_to_evaluate(batches):
    with pytest.raises(ValueError, match="no target to evaluate on: no batch, or every target ignored"):
        numpy_gpt.evaluate(small_model(), batches)


def test_a_step_on_one_target_reports_that_targets_loss():
    model = small_model()
    ids, targets = np.array([[1, 2, 3]]), np.array([[-100, -100, 4]])
    expected = float(numpy_gpt.CrossEntropy()(model(ids), targets))
    loss, _ = numpy_gpt.train_step(model, numpy_gpt.AdamW(model.parameters()), [(ids, targets)])
    assert loss == pytest.approx(expected, rel=1e-12)


def test_train_and_train_step_refuse_what_cannot_work():
    model = small_model()
    adam = numpy_gpt.AdamW(model.parameters())
    with pytest.raises(ValueError, match="accumulate is 0"):
        next(numpy_gpt.train(model, adam, iter([]), 1, lambda step: 1e-3, 0))
    with pytest.raises(ValueError, match="The batches ended"):
        next(numpy_gpt.train(model, adam, iter([]), 1, lambda step: 1e-3))
    with pytest.raises(ValueError, match="micro-batches are empty"):
        numpy_gpt.train_step(model, adam, [])


def test_merged_state_dict_leaves_the_branches_out_and_the_model_as_it_is():
    from numpy_gpt.lora import merged_state_dict

    model = small_model()
    keys = list(model.state_dict())
    numpy_gpt.apply_lora(model, 2, 3.0, rng=np.random.default_rng(1))
    rng = np.random.default_rng(2)
    for name, array in numpy_gpt.lora_state_dict(model).items():
        array[...] = rng.standard_normal(array.shape)
        assert ".lora_" in name
    before = {name: array.copy() for name, array in model.state_dict().items()}
    merged = merged_state_dict(model)
    assert list(merged) == keys
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    numpy_gpt.merge_lora(model)
    for name in keys:
        np.testing.assert_allclose(merged[name], model.state_dict()[name], rtol=1e-12)
    for name, array in merged_state_dict(model).items():  # of a merged model: as it stands
        np.testing.assert_array_equal(array, model.state_dict()[name])


def test_without_a_cache_none_is_made(monkeypatch):
    made, plain = [], numpy_gpt.KVCache
    generate = importlib.import_module("numpy_gpt.generate")  # the function of this name hides the room
    monkeypatch.setattr(generate, "KVCache", lambda *args: made.append(args) or plain(*args))
    numpy_gpt.generate(small_model(), [[1]], 2, use_cache=False)
    assert made == []
    numpy_gpt.generate(small_model(), [[1], [2, 3]], 1)
    numpy_gpt.generate(small_model(), [[1]], 9)
    assert [args[1] for args in made] == [3, 4]  # what is needed, and at most the context
    monkeypatch.setattr(numpy_gpt.prompt_lookup, "KVCache", lambda *args: made.append(args) or plain(*args))
    for new in (1, 9):
        list(numpy_gpt.lookup_passes(small_model(), [1, 2], new))
    assert [args[1] for args in made[2:]] == [3, 4]


def test_a_new_head_takes_a_generator_or_none():
    from numpy_gpt import classifier

    for rng in (np.random.default_rng(5), None):
        model = small_model()
        classifier.add_class_head(model, 3, rng)
        assert model.lm_head.weight.shape == (3, 6)
        same = small_model()
        classifier.add_class_head(same, 3, np.random.default_rng(5))
        assert np.array_equal(model.lm_head.weight.data, same.lm_head.weight.data) == (rng is not None)
    with pytest.raises((TypeError, ValueError)):
        classifier.add_class_head(small_model(), 3, 7)


def test_a_vocabulary_of_the_bytes_and_one_token():
    own = text.BytePairTokenizer.train("abab abab", 257)
    assert own.n_vocab == 257
    assert own.merges == []
    assert own.eot == 256


def test_pairs_that_occur_once_are_not_learnt():
    assert text.BytePairTokenizer.train("abcd", 300).merges == []
    assert text.BytePairTokenizer.train("abab", 300).merges == [(b"a", b"b")]


def test_escapes_by_the_size_of_the_code_point():
    assert [escaped(code) for code in (0x7F, 0x80, 0xFFFF, 0x10000)] == ["\\x7f", "\\u0080", "\\uffff", "\\U00010000"]


def test_a_tables_highest_id():
    check_id_table({"a": 64 * 2 - 1})
    with pytest.raises(ValueError, match="a whole number from 0 to 127"):
        check_id_table({"a": 128})


def test_a_tokenizers_file_is_for_people_too(tmp_path):
    write_tokenizer(tmp_path / "own.json", text.CharTokenizer("äb"))
    lines = (tmp_path / "own.json").read_text(encoding="utf-8").splitlines()
    assert lines[1] == ' "kind": "characters",'
    assert "bä" in lines[2]
    assert text.load_tokenizer(tmp_path / "own.json").encode("ä") == [1]


@pytest.mark.parametrize("data", [{"characters": 3, "end_of_text": True}, {"characters": "ab", "end_of_text": 1}])
def test_a_damaged_character_table(data):
    with pytest.raises(ValueError, match="is no text or 'end_of_text' is not"):
        text.CharTokenizer.from_dict(data)


def test_the_files_for_transformers_in_full(tmp_path):
    own = text.BytePairTokenizer.train("low low lower", 260)
    data = fast_tokenizer(own)
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    assert data["added_tokens"] == [{"id": own.eot, "content": "<|endoftext|>", **flags}]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    assert data["pre_tokenizer"] == data["decoder"] == level
    assert data["post_processor"] == level | {"trim_offsets": False}
    assert (data["model"]["fuse_unk"], data["model"]["byte_fallback"]) == (False, False)
    write_fast_tokenizer(tmp_path, text.BytePairTokenizer([(b"\xc3", b"\xa4")]), 32)
    written = (tmp_path / "tokenizer.json").read_text(encoding="utf-8")
    assert written.startswith('{\n "')
    assert "Ã" in written
    config = fast_config(own, 32)
    assert (config["model_max_length"], config["add_prefix_space"]) == (32, False)
    assert config["clean_up_tokenization_spaces"] is False


def test_a_merge_is_two_tokens():
    data = text.BytePairTokenizer([(b"a", b"b")]).to_dict()
    for line in ("ab", "a ", " b", "a b c"):
        with pytest.raises(ValueError, match="merge 0 is"):
            text.BytePairTokenizer.from_dict(data | {"merges": [line]})


def test_a_line_that_is_nested_too_deep_is_named(tmp_path):
    (tmp_path / "lines.jsonl").write_text("{}\n" + '{"a":' * 100_000, encoding="utf-8")
    with pytest.raises(ValueError, match="is no JSON at line 2 "):
        text.load_instructions(tmp_path / "lines.jsonl")


def test_saving_into_folders_that_do_not_exist(tmp_path):
    own = text.BytePairTokenizer.train("low low lower", 260)
    own.save(tmp_path / "a" / "b")
    for path in (tmp_path / "a" / "b", str(tmp_path / "a" / "b")):
        assert text.BytePairTokenizer.load(path).merges == own.merges


def test_each_batch_loop_begins_anew_and_a_wrong_state_is_refused():
    own = text.TokenWindows(np.arange(30), 4).batches(2, np.random.default_rng(0))
    next(iter(own))
    assert own.position == 1
    assert len(list(own)) == len(own)
    assert own.position == 0
    endless = own.endless()
    assert len([next(endless) for _ in range(2 * len(own) + 1)]) == 2 * len(own) + 1
    state = own.state_dict()
    own.load_state_dict(state | {"position": len(own)})
    assert list(own) == []
    with pytest.raises(ValueError, match="order_state"):
        own.load_state_dict(state | {"order_state": {"bit_generator": "none"}, "position": 1})
    assert text.IGNORE_INDEX == numpy_gpt.CrossEntropy().ignore_index == -100


def test_the_merge_trees_nodes_and_words():
    own = text.BytePairTokenizer([(b"a", b"b"), (b"ab", b"c"), (b"$", b"$"), (b"abc", b"$$")])
    (root,) = _grow(own.explain("abc"))
    assert (root.token, root.x, root.height, root.rank) == (b"abc", 1.25, 2, 1)
    assert [(node.token, node.x, node.height) for node in root.children] == [(b"ab", 0.5, 1), (b"c", 2, 0)]
    figure = text.merge_tree(own.explain("$$"))
    (axes,) = figure.axes
    assert not axes.axison
    assert len(axes.lines) == 2
    (unequal,) = text.merge_tree(own.explain("abcd")).axes
    assert unequal.get_ylim()[1] > 2
    words = [label.get_text() for label in axes.texts]
    assert sorted(words) == sorted(["$", "$", "$$", f"id {own.ids[b'$$']}", "rank 2"])
    assert not any(label.get_parse_math() for label in axes.texts if "$" in label.get_text())
    assert not axes.title.get_parse_math()
    assert axes.get_xlim()[0] < -0.5 < 1.5 < axes.get_xlim()[1] < 2
    assert axes.get_ylim()[0] < 0 < 1 < axes.get_ylim()[1]


def test_which_rows_of_targets_are_dim(monkeypatch):
    import rich.console

    shown = []
    monkeypatch.setattr(rich.console.Console, "print", lambda self, table: shown.append(table))
    text.show_targets(np.array([[0, 1, 0]]), np.array([[-100, 1, 0]]), text.CharTokenizer("ab"))
    (table,) = shown
    assert [column.header for column in table.columns] == ["place", "input", "target"]
    assert [row.style for row in table.rows] == ["dim", "", ""]


def test_tokens_in_lines_of_a_width():
    tokens = [("ab", 1), ("cd", 2), ("ef", 3)]
    assert [line.plain.split() for line in terminal_lines(tokens, 5)] == [["ab", "cd"], ["1", "2"], ["ef"], ["3"]]
    assert [line.plain.split() for line in terminal_lines(tokens, 4)] == [["ab"], ["1"], ["cd"], ["2"], ["ef"], ["3"]]
    broken = [line.plain.split() for line in terminal_lines([("a⏎", 1), ("b", 2)], 60)]
    assert broken == [["a⏎"], ["1"], ["b"], ["2"]]
    page = html_page([("a⏎", 1), ("b", 2)], "t")
    assert page.count("<br>") == 1
    assert page.index("<br>") < page.index("<b>b</b>")


def test_a_text_of_white_space_is_none(tmp_path):
    (tmp_path / "rows.tsv").write_text(" \n", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no text"):
        text.load_labels(tmp_path / "rows.tsv")
    (tmp_path / "rows.tsv").write_text("ham\tHello\n", encoding="utf-8")
    assert text.load_labels(tmp_path / "rows.tsv") == [("ham", "Hello")]


def test_the_style_that_an_error_offers_fits_one_entry():
    entries = [{"instruction": "x" * 9, "input": "", "output": "y"}, {"instruction": "x" * 99, "output": "y"}]
    char = text.CharTokenizer("".join(map(chr, range(10, 127))), end_of_text=True)
    with pytest.raises(ValueError, match="--style qa"):
        text.InstructionDataset(entries, char, 20, skip_long=True)


def test_tiktokens_folder_without_any_variable(monkeypatch):
    from shared_gpt.text.gpt2 import tiktoken_cache

    for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert tiktoken_cache().name == "data-gym-cache"


def test_large_arrays_are_worked_on_in_chunks_to_their_ends(monkeypatch):
    from numpy_gpt.chunks import CHUNK

    # memory that is used again could hold the right values already
    monkeypatch.setattr(np, "empty", lambda shape, dtype=float: np.full(shape, np.nan, dtype))
    x = np.random.default_rng(0).standard_normal(2 * CHUNK + 3)
    for function, arrays in (
        (numpy_gpt.functional.gelu, [x]),
        (numpy_gpt.functional.gelu_backward, [x[::-1].copy(), x]),
    ):
        pieces = [function(*(array[i : i + 1000] for array in arrays)) for i in range(0, len(x), 1000)]
        np.testing.assert_array_equal(function(*arrays), np.concatenate(pieces))
        tall = [array[: 2 * CHUNK].reshape(4, -1) for array in arrays]
        np.testing.assert_array_equal(function(*tall).reshape(-1), function(*(array[: 2 * CHUNK] for array in arrays)))


def test_a_function_is_applied_to_every_module_children_first():
    model, visited = small_model(), []
    assert model.apply(visited.append) is model
    assert sorted(map(id, visited)) == sorted(map(id, model.modules()))
    for module in visited:
        assert all(visited.index(child) < visited.index(module) for _, child in module.named_children())


@pytest.mark.parametrize("infinite", [np.inf, np.nan])
def test_logits_that_are_none_name_no_class_and_no_token(infinite):
    from numpy_gpt.classifier import predict_classes

    model = small_model()
    model.forward = lambda ids: np.array([[[0.0, 1.0], [2.0, infinite]]])
    with pytest.raises(ValueError, match="weights are damaged"):
        predict_classes(model, np.array([[1, 2]]), np.array([1]))
    model.forward = lambda ids, *args, last=1: np.array([[[0.0, infinite]]])
    for generate in (
        lambda: next(numpy_gpt.lookup_passes(model, [1], 1)),
        lambda: numpy_gpt.generate(model, [[1]], 1),
        lambda: numpy_gpt.generate_text_simple(model, np.array([[1]]), 1, 4),
    ):
        with pytest.raises(ValueError, match="weights are damaged"):
            generate()


def test_a_guess_after_a_single_token():
    assert numpy_gpt.prompt_lookup.guess([5, 5], 1, 1) == [5]
    assert numpy_gpt.prompt_lookup.guess([1, 2, 1], 1, 1) == [2]
    ids = [1, 2, 5, 2, 6, 1, 2]  # 1 2 was followed by 5, the last 2 alone by 6
    assert [numpy_gpt.prompt_lookup.guess(ids, 1, ngram) for ngram in (1, 2, 3)] == [[6], [5], [5]]


def test_looked_up_texts_go_on_past_the_context_as_generated_ones_do():
    for context_length in (4, 5):
        for seed in range(4):
            config = GPTConfig(5, context_length, 6, 2, 1, 0.0)
            model = one_twin(numpy_gpt, config, seed)
            (expected,) = numpy_gpt.generate(model, [[1, 2, 1]], 20)
            passes = numpy_gpt.lookup_passes(model, [1, 2, 1], 20, num_tokens=2)
            assert [1, 2, 1, *(token for step in passes for token in step.tokens)] == expected


def test_branches_of_another_model_are_refused():
    from numpy_gpt.lora import load_lora_state_dict

    model = small_model()
    numpy_gpt.apply_lora(model, 2, 3.0)
    for state in ({}, {name: array[:1] for name, array in numpy_gpt.lora_state_dict(model).items()}):
        with pytest.raises(ValueError, match="lora"):
            load_lora_state_dict(model, state)


def test_attention_is_looked_at_in_prompts_of_one_length():
    with pytest.raises(ValueError, match="one length"):
        importlib.import_module("numpy_gpt.generate").attention_maps(small_model(), [[1, 2], [3]])


@pytest.mark.parametrize("options", [{"device": "cuda"}, {"bf16": True}])
def test_numpy_computes_on_the_cpu_in_its_own_types(options, monkeypatch):
    for name in distributed.LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    limits = []
    monkeypatch.setattr(distributed, "threadpool_limits", limits.append)
    assert [distributed.join().size, distributed.join(threads=3).size] == [1, 1]
    assert limits == [3]
    with pytest.raises(ValueError, match="computes on the CPU"):
        distributed.join(**options)


def test_an_infinite_loss_is_no_perplexity():
    model = small_model()
    model.forward = lambda ids, last: np.where(np.arange(7) == 1, -np.inf, np.zeros((1, last, 7)))
    with pytest.raises(ValueError, match="weights are damaged"):
        perplexity(model, [0, 2, 1])


def test_a_file_of_one_entry(tmp_path):
    entry = {"instruction": "Say yes.", "output": "Yes."}
    (tmp_path / "one.json").write_text(json.dumps(entry), encoding="utf-8")
    assert text.load_instructions(tmp_path / "one.json") == [entry]


def test_mpis_processes_end_together_with_a_status_that_says_so(capsys):
    from numpy_gpt.distributed import MPIProcesses

    with several_processes() as world:
        processes = MPIProcesses()
        processes.abort(ValueError("no"))
        assert (processes.rank, processes.size, world.ended) == (RANK, SIZE, 2)
    assert capsys.readouterr().err == f"process {RANK}: no\n"


class Table(text.Tokenizer):
    """A tokenizer as far as its fingerprint sees it; id 1 has no token."""

    n_vocab, eot = 3, 2

    def decode_bytes(self, ids):
        return {0: b"a", 2: b"end"}[ids[0]]


def test_the_fingerprint_of_a_vocabulary_with_a_hole():
    import hashlib

    from shared_gpt.text.token_file import tokenizer_fingerprint

    lengths = [(n).to_bytes(4, "little") for n in range(4)]
    whole = b"3 2" + lengths[1] + b"a" + lengths[0] + lengths[3] + b"end"
    assert tokenizer_fingerprint(Table()) == hashlib.sha256(whole).digest()


def test_ids_of_the_largest_vocabulary_that_two_bytes_hold():
    from shared_gpt.text.token_file import id_dtype

    table = Table()
    for table.n_vocab, dtype in ((1 << 16, "<u2"), ((1 << 16) + 1, "<u4")):
        assert id_dtype(table) == np.dtype(dtype)


def test_a_fast_tokenizer_adds_a_space_unless_it_says_that_it_does_not():
    from shared_gpt.text.bpe.huggingface import read_fast_tokenizer

    data = fast_tokenizer(text.BytePairTokenizer.train("low low lower", 260))
    read_fast_tokenizer(data)
    for change in ({"type": "Whitespace"}, {"use_regex": False}):
        with pytest.raises(ValueError, match="otherwise than GPT-2"):
            read_fast_tokenizer(data | {"pre_tokenizer": data["pre_tokenizer"] | change})
    del data["pre_tokenizer"]["use_regex"]  # it splits by GPT-2's pattern unless it says that it does not
    read_fast_tokenizer(data)
    del data["pre_tokenizer"]["add_prefix_space"]
    with pytest.raises(ValueError, match="add_prefix_space"):
        read_fast_tokenizer(data)


@pytest.mark.parametrize("change", [{"epoch": -1}, {"position": -1}, {"position": 99}])
def test_a_position_that_is_none_is_refused(change):
    batches = text.TokenWindows(np.arange(30), 4).batches(2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="which is none"):
        batches.load_state_dict(batches.state_dict() | change)


def test_nothing_may_be_left_to_train_on():
    with pytest.raises(ValueError, match="leave nothing to train on"):
        text.split_examples(list(range(10)), 0.6, 0.6)


def test_an_entry_behind_one_that_is_too_long_is_kept():
    short, long = ({"instruction": "x" * n, "input": "", "output": "y"} for n in (3, 99))
    char = text.CharTokenizer("".join(map(chr, range(10, 127))), end_of_text=True)
    dataset = text.InstructionDataset([short, long, short], char, 20, "qa", skip_long=True)
    assert (len(dataset), dataset.n_skipped) == (2, 1)
    labels = text.LabelDataset([("a", "xyz"), ("b", "x")], char, 2)
    assert (labels.context_length, [len(ids) for ids, _ in labels.items]) == (2, [2, 1])


def test_a_streamer_that_is_used_again_begins_anew():
    words = text.SimpleTokenizerV2({"a": 0, "b": 1})
    streamer = TextStreamer(words)
    assert [streamer.put(0), streamer.put(1), streamer.end(), streamer.put(1)] == ["a", " b", "", "b"]


@pytest.mark.parametrize(("vocab", "ids"), [({}, [0, 1]), ({"a": 4}, [5, 6]), ({"<|unk|>": 3}, [4, 3])])
def test_the_two_words_more_take_the_next_ids(vocab, ids):
    own = text.SimpleTokenizerV2(vocab)
    assert [own.str_to_int[name] for name in ("<|endoftext|>", "<|unk|>")] == ids


def test_a_token_file_takes_the_place_of_no_text_that_it_is_made_of(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("words", encoding="utf-8")
    with pytest.raises(ValueError, match="is the text itself"):
        text.prepare(tmp_path, text.CharTokenizer("words"), tmp_path / "b.txt")


def test_gpt2s_files_hold_no_special_token_of_another_look(tmp_path):
    own = text.BytePairTokenizer([(b"a", b"b")], ("<|endoftext|>", "end"))
    with pytest.raises(ValueError, match="cannot hold the special tokens"):
        own.save(tmp_path / "folder")


@pytest.mark.parametrize("alone", ["vocab.bpe", "encoder.json"])
def test_one_of_gpt2s_two_files_is_not_enough(tmp_path, alone):
    text.BytePairTokenizer.train("low low lower", 260).save(tmp_path / "both")
    (tmp_path / "one").mkdir()
    (tmp_path / "both" / alone).rename(tmp_path / "one" / alone)
    with pytest.raises(FileNotFoundError, match="no folder with"):
        text.BytePairTokenizer.load(tmp_path / "one")
