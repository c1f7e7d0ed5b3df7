"""Our byte-pair encoding: against tiktoken over the same ranks, Hugging Face's trainer, and plain recounting."""

import json
import pickle
from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
import regex
import tiktoken
import tiktoken.load
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tiktoken_ext.openai_public import r50k_pat_str  # the pattern of its own "gpt2"

from parity_tests.texts import MIXED, SAMPLE, broken_texts, texts
from shared_gpt.text import split as split_room
from shared_gpt.text.bpe import tokenizer as bpe
from shared_gpt.text.bpe.long_words import merge_long
from shared_gpt.text.bpe.merge_tree import merge_tree
from shared_gpt.text.bpe.tokenizer import BytePairTokenizer, join_pair, merge
from shared_gpt.text.bpe.training import count_words, learn_merges
from shared_gpt.text.bpe.vocabulary import BYTES, to_printable
from shared_gpt.text.split import split
from shared_gpt.text.token_file import whole_words

END = "<|endoftext|>"


def tiktoken_over(tokenizer: BytePairTokenizer) -> tiktoken.Encoding:
    return tiktoken.Encoding(
        "ours", pat_str=r50k_pat_str, mergeable_ranks=tokenizer.ids, special_tokens=tokenizer.special_tokens
    )


@pytest.fixture(scope="module")
def trained():
    tokenizer = BytePairTokenizer.train(MIXED, 1500)
    return tokenizer, tiktoken_over(tokenizer)


@pytest.fixture(scope="module")
def every_pair():
    """Any two bytes join, so that one border between words set otherwise changes ids."""
    tokenizer = BytePairTokenizer(list(product(BYTES, BYTES)))
    return tokenizer, tiktoken_over(tokenizer)


@pytest.fixture(scope="module")
def with_two_special_tokens(trained):
    tokenizer = BytePairTokenizer(trained[0].merges, [END, "<|pad|>"])
    return tokenizer, tiktoken_over(tokenizer)


# ---- splitting into words ----


@pytest.mark.parametrize("name", ["s", "p{L}", "p{N}"])
def test_letters_digits_and_spaces_are_tiktokens_of_all_characters(name):
    characters = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    bytes_only = {byte: i for i, byte in enumerate(BYTES)}
    keeping = tiktoken.Encoding("class", pat_str=rf"\{name}", mergeable_ranks=bytes_only, special_tokens={})
    theirs = set(keeping.decode(keeping.encode_ordinary(characters)))  # what its pattern does not match is dropped
    ours = regex.findall(rf"[\{name}--[{split_room._newer_class}]]", characters, regex.VERSION1)
    assert set(ours) == theirs == set(regex.findall(rf"\{name}", characters)) - split_room._newer


@settings(max_examples=200)
@given(text=texts)
def test_words_join_to_the_text_and_both_patterns_split_alike(text):
    assert "".join(split(text)) == text
    if split_room._newer.isdisjoint(text):
        assert split_room._words_of_unicode_16.findall(text) == split(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'll say, don't!", ["I", "'ll", " say", ",", " don", "'t", "!"]),
        ("a  b \n c ", ["a", " ", " b", " \n", " c", " "]),
        ("x2 = 10", ["x", "2", " =", " 10"]),
        ("a\x1cb \x1f", ["a", "\x1c", "b", " \x1f"]),  # white space to str.isspace, signs to GPT-2
        ("a\x85\u3000b", ["a", "\x85", "\u3000", "b"]),
        ("a\u0558b", ["a", "\u0558", "b"]),  # a letter since Unicode 17, which tiktoken does not know
    ],
)
def test_known_splits(text, words):
    assert split(text) == words


@settings(max_examples=300)
@given(text=texts)
def test_every_border_between_words_is_tiktokens(every_pair, text):
    ours, theirs = every_pair
    assert ours.encode(text) == theirs.encode(text, disallowed_special=())


# ---- encoding ----


@settings(max_examples=300)
@given(text=texts)
def test_ids_are_tiktokens_over_the_same_ranks(trained, text):
    ours, theirs = trained
    ids = ours.encode(text)
    assert ids == theirs.encode(text, disallowed_special=())
    assert ours.decode(ids) == text
    assert ours.decode_bytes(ids) == text.encode("utf-8")


@settings(max_examples=100)
@given(text=broken_texts)
def test_lone_surrogates_become_what_tiktoken_makes_of_them(trained, text):
    ours, theirs = trained
    ids = ours.encode(text)
    assert ids == theirs.encode(text, disallowed_special=())
    assert ours.decode(ids) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_a_long_text_is_tiktokens_at_once_and_again(trained):
    ours, theirs = trained
    text = SAMPLE + "é" + SAMPLE + "\u0558" + SAMPLE
    assert ours.encode(text) == ours.encode(text) == theirs.encode(text)
    assert ours.decode(ours.encode(text)) == text


def test_text_that_is_none_is_refused(trained):
    with pytest.raises(TypeError, match="bytes; decode bytes to text first"):
        trained[0].encode(b"abc")


@settings(max_examples=100)
@given(
    text=st.text(st.sampled_from("ab "), max_size=60), other=st.text(st.sampled_from("ab "), min_size=1, max_size=60)
)
def test_the_long_way_and_the_short_way_merge_alike(text, other):
    ranks = {pair: i for i, pair in enumerate(learn_merges(Counter([text + other, other]), 40, min_frequency=1))}
    parts = [bytes([byte]) for byte in text.encode()]
    assert merge_long(parts, ranks) == merge(parts, ranks)
    assert b"".join(merge(parts, ranks)) == text.encode()


@pytest.mark.parametrize(
    "word", ["a" * 5000, "-" * 3001, "ab" * 999 + "a", "日本" * 300, " " * 2000 + "x", "ACGTTGCA" * 400]
)
def test_long_words_are_tiktokens(trained, word):
    ours, theirs = trained
    assert ours.encode(word) == theirs.encode(word)


def test_the_words_kept_stay_few(trained, monkeypatch):
    monkeypatch.setattr(bpe, "KEPT_WORDS", 5)
    tokenizer = BytePairTokenizer(trained[0].merges)
    for word in [*split(SAMPLE[:1000]), "-" * 1000]:
        assert tokenizer.encode(word) == trained[0].encode(word)
        assert len(tokenizer._kept) <= 5
    assert 0 < max(map(len, tokenizer._kept)) <= bpe.LONG_WORD


# ---- special tokens ----


@settings(max_examples=60)
@given(parts=st.lists(st.sampled_from([END, "<|pad|>", " ", "\n", "a", "<|", "|>", "\ud83d", "\n\n "]), max_size=12))
@pytest.mark.parametrize("allowed", ["all", frozenset(), {END}, {END, "<|pad|>"}, {"<|other|>"}])
def test_special_tokens_are_tiktokens(with_two_special_tokens, parts, allowed):
    ours, theirs = with_two_special_tokens
    text = "".join(parts)
    assert ours.encode(text, allowed_special=allowed) == theirs.encode(
        text, allowed_special=allowed, disallowed_special=()
    )


def test_a_special_token_takes_permission(trained):
    tokenizer, _ = trained
    text = f"one{END} two"
    assert tokenizer.eot == tokenizer.n_vocab - 1
    assert tokenizer.eot not in tokenizer.encode(text)
    assert tokenizer.encode(text, {END}) == [*tokenizer.encode("one"), tokenizer.eot, *tokenizer.encode(" two")]
    assert tokenizer.decode(tokenizer.encode(text)) == tokenizer.decode(tokenizer.encode(text, "all")) == text
    with pytest.raises(ValueError, match=r"is the string '<\|endoftext\|>'; give"):
        tokenizer.encode(text, END)


def test_of_two_special_tokens_at_one_place_the_longer_is_taken(trained):
    tokenizer = BytePairTokenizer(trained[0].merges, ["<a>", "<a><b>", "<b>"])
    first, both, second = tokenizer.special_tokens.values()
    assert tokenizer.encode("<a><b><b><a>", "all") == [both, second, first]
    assert tokenizer.encode("<a><b>", {"<a>", "<b>"}) == [first, second]
    assert tokenizer.eot is None


# ---- decoding ----


@settings(max_examples=200)
@given(ids=st.lists(st.integers(0, 1499), max_size=12))
def test_decoding_any_ids_is_tiktokens(trained, ids):
    ours, theirs = trained
    assert ours.decode_bytes(ids) == theirs.decode_bytes(ids)
    assert ours.decode(ids) == ours.decode(np.array(ids, dtype=np.int64)) == theirs.decode(ids)


@pytest.mark.parametrize("bad", [-1, 1500, 2**40])
def test_an_id_without_a_token_is_an_error_there_and_here(trained, bad):
    ours, theirs = trained
    with pytest.raises((KeyError, OverflowError)):
        theirs.decode_bytes([0, bad])
    with pytest.raises(ValueError, match=rf"Id {bad} is no token of this vocabulary, whose ids go from 0 to 1499"):
        ours.decode([0, bad])


@pytest.mark.parametrize("ids", [[[1, 2]], [1.5], np.zeros((2, 2), int), ["a"], "ab", torch.zeros(1, 2)])
def test_what_is_no_list_of_integers_is_refused(trained, ids):
    with pytest.raises(ValueError, match="flat list of integers"):
        trained[0].decode(ids)


def test_tensors_decode(trained):
    ids = trained[0].encode("Hello, world")
    assert trained[0].decode(torch.tensor(ids)) == trained[0].decode(map(np.uint16, ids)) == "Hello, world"


# ---- learning ----


def recount(words: Counter, n_merges: int, min_frequency: int) -> list[tuple[bytes, bytes]]:
    """The definition: count every pair anew before every merge."""
    order = {token: i for i, token in enumerate(BYTES)}
    split_words = {word: [bytes([byte]) for byte in word.encode("utf-8")] for word in words}
    merges = []
    while len(merges) < n_merges:
        count = Counter()
        for word, parts in split_words.items():
            for pair in pairwise(parts):
                count[pair] += words[word]
        if not count:
            break
        best = min(count, key=lambda pair: (-count[pair], order[pair[0]], order[pair[1]]))
        if count[best] < min_frequency:
            break
        merges.append(best)
        order[best[0] + best[1]] = len(order)
        split_words = {word: join_pair(parts, best) for word, parts in split_words.items()}
    return merges


@settings(max_examples=200)
@given(
    words=st.dictionaries(st.text(st.sampled_from("aab é"), min_size=1, max_size=12), st.integers(1, 4), min_size=1),
    n_merges=st.integers(0, 40),
    min_frequency=st.integers(1, 3),
)
def test_learning_is_recounting_before_every_merge(words, n_merges, min_frequency):
    merges = learn_merges(words, n_merges, min_frequency)
    assert merges == recount(Counter(words), n_merges, min_frequency)
    assert len({left + right for left, right in merges}) == len(merges)


def test_learning_on_real_text_is_recounting():
    words = count_words([MIXED[:3000], MIXED[-1500:]], [END])
    assert learn_merges(words, 300) == recount(words, 300, 2)


@pytest.mark.parametrize("vocab_size", [300, 1500])
def test_hugging_faces_trainer_learns_the_same_vocabulary(vocab_size):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=2, initial_alphabet=alphabet, show_progress=False
    )
    theirs.train_from_iterator([SAMPLE], trainer)
    ours = BytePairTokenizer.train(SAMPLE, vocab_size, special_tokens=())
    assert {to_printable(token): i for token, i in ours.ids.items()} == theirs.get_vocab()
    assert ours.encode(SAMPLE) == theirs.encode(SAMPLE).ids


def test_learning_by_hand():
    """aaabdaaabac, as in the encyclopedias: aa stands four times (twice in each aaa), then ab, then aaab."""
    tokenizer = BytePairTokenizer.train("aaabdaaabac", 256 + 3 + 1)
    assert tokenizer.merges == [(b"a", b"a"), (b"a", b"b"), (b"aa", b"ab")]
    assert [tokenizer.decode([i]) for i in tokenizer.encode("aaabdaaabac")] == ["aaab", "d", "aaab", "a", "c"]
    assert tokenizer.ids[b"!"] == 0
    assert tokenizer.ids[b"aa"] == 256
    assert tokenizer.special_tokens == {END: 259}


def test_learning_from_pieces_and_around_special_tokens():
    text = SAMPLE[:8000]
    whole = BytePairTokenizer.train(text, 600)
    pieces = whole_words(text[i : i + 7] for i in range(0, len(text), 7))
    assert BytePairTokenizer.train(pieces, 600).merges == whole.merges
    assert BytePairTokenizer.train([END, text + END], 600).merges == whole.merges
    assert all(b"<|" not in left + right for left, right in BytePairTokenizer.train(f"a b{END}" * 9, 400).merges)


def test_a_text_used_up_gives_fewer_tokens():
    done = []
    tokenizer = BytePairTokenizer.train("abab cd", 1000, on_merge=done.append)
    assert tokenizer.merges == [(b"a", b"b")]
    assert (tokenizer.n_vocab, done) == (258, [1])
    everything = BytePairTokenizer.train("abab cd", 1000, min_frequency=1)
    assert [everything.decode([i]) for i in everything.encode("abab cd")] == ["abab", " cd"]


def test_nothing_to_learn_from_is_refused():
    for text in ("", [], [END]):
        with pytest.raises(ValueError, match="text to learn from is empty"):
            BytePairTokenizer.train(text, 300)
    with pytest.raises(
        ValueError, match="vocab_size of 256 cannot hold the 256 bytes and 1 special tokens; take at least 257"
    ):
        BytePairTokenizer.train("abc", 256)


# ---- files ----


def test_gpt2s_pair_of_files_comes_back_and_tiktoken_reads_it(trained, tmp_path):
    tokenizer, _ = trained
    tokenizer.save(tmp_path / "pair")
    back = BytePairTokenizer.load(tmp_path / "pair")
    assert back.vocabulary == tokenizer.vocabulary
    paths = [str(tmp_path / "pair" / name) for name in ("vocab.bpe", "encoder.json")]
    assert tiktoken.load.data_gym_to_mergeable_bpe_ranks(*paths) == tokenizer.ids
    for old, new in zip(("vocab.bpe", "encoder.json"), ("merges.txt", "vocab.json")):
        (tmp_path / "pair" / old).rename(tmp_path / "pair" / new)
    assert BytePairTokenizer.load(tmp_path / "pair").vocabulary == tokenizer.vocabulary


def test_one_json_file_comes_back_with_any_ids_and_special_tokens(trained, tmp_path):
    merges = trained[0].merges[:50]
    ids = {token: 2 * i + 5 for i, token in enumerate([*BYTES, *(left + right for left, right in merges)])}
    tokenizer = BytePairTokenizer(merges, {"the end": 3}, ids)
    tokenizer.save(tmp_path / "own.json")
    back = BytePairTokenizer.load(tmp_path / "own.json")
    assert back.vocabulary == tokenizer.vocabulary
    assert back.encode("light the end", "all") == tokenizer.encode("light the end", "all")
    with pytest.raises(ValueError, match=r"cannot hold the special tokens \['the end'\].*ends in .json"):
        tokenizer.save(tmp_path / "pair")
    assert not (tmp_path / "pair").exists()


def test_a_tokenizer_travels_to_another_process(trained):
    tokenizer = pickle.loads(pickle.dumps(trained[0]))
    assert tokenizer.encode(SAMPLE[:500]) == trained[0].encode(SAMPLE[:500])


def break_pair(folder, merges=None, ids=None):
    BytePairTokenizer.train("abab abc abcd", 260).save(folder)
    for name, change in (("vocab.bpe", merges), ("encoder.json", ids)):
        path = folder / name
        if change:
            changed = change(path.read_text(encoding="utf-8"))
            path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8"))


def in_json(change):
    return lambda text: json.dumps(change(json.loads(text)))


@pytest.mark.parametrize(
    ("merges", "ids", "says"),
    [
        (None, lambda text: text[:700], "Unterminated|Expecting|delimiter"),
        (None, lambda text: "[1, 2]", "the table of ids holds a JSON list"),
        (None, lambda text: b"\xff\xfe{", "utf-8"),
        (None, in_json(lambda ids: {token: i for token, i in ids.items() if token != "Ġ"}), "1 tokens have no id"),
        (None, in_json(lambda ids: ids | {"ab": 7}), "id 7 belongs to 2 tokens"),
        (None, in_json(lambda ids: ids | {"ab": "7"}), "the id of b'ab' is '7'"),
        (None, in_json(lambda ids: ids | {"ab": -7}), "the id of b'ab' is -7"),
        (None, in_json(lambda ids: ids | {"xyz": 700}), "1 tokens have an id but no merge, 'xyz'"),
        (lambda text: text[: text.index("Ġab c")], None, "an id but no merge, 'Ġabc' the first.*cut off"),
        (lambda text: text + "abc d extra\n", None, "'abc d extra', where two tokens"),
        (lambda text: text + "語 d\n", None, "'語', which stands for no byte"),
        (lambda text: text + "q zz\n", in_json(lambda ids: ids | {"qzz": 700}), "no merge before it makes b'zz'"),
        (lambda text: text + "a b\n", None, "makes b'ab' a second time"),
        (lambda text: "", None, "an id but no merge"),
    ],
)
def test_a_broken_pair_of_files_is_named_in_one_sentence(tmp_path, merges, ids, says):
    break_pair(tmp_path, merges, ids)
    with pytest.raises(ValueError, match=says) as caught:
        BytePairTokenizer.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'vocab.bpe'} and encoder.json hold no byte-pair vocabulary: ")
    assert "\n" not in str(caught.value)


def test_line_ends_of_windows_do_not_matter(tmp_path):
    break_pair(tmp_path, merges=lambda text: text.replace("\n", "\r\n"))
    assert len(BytePairTokenizer.load(tmp_path).merges) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not valid JSON"),
        ('{"kind": "byte-pair", "vocab": {', "is not valid JSON"),
        ("[]", "holds a JSON list where an object is expected"),
        ('{"model": {"type": "BPE"}}', "folder that holds merges.txt and vocab.json"),
        ('{"kind": "characters", "characters": "ab"}', "holds a characters tokenizer, not a byte-pair one"),
        ('{"kind": "byte-pair", "vocab": {}, "merges": []}', "'special_tokens' is missing"),
        ('{"kind": "byte-pair", "vocab": {}, "merges": {}, "special_tokens": {}}', "'merges' is no list"),
        ('{"kind": "byte-pair", "vocab": {}, "merges": [], "special_tokens": {}}', "256 tokens have no id"),
        ('{"kind": "byte-pair", "vocab": {}, "merges": [3], "special_tokens": {}}', "merge 0 is '3', where two tokens"),
    ],
)
def test_a_broken_json_file_is_named_in_one_sentence(tmp_path, content, says):
    path = tmp_path / "own.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=says) as caught:
        BytePairTokenizer.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_with_nothing_there_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(FileNotFoundError, match=r"vocab\.bpe and encoder\.json"):
            BytePairTokenizer.load(path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"merges": [(b"a", b"bc")]}, "no merge before it makes b'bc'"),
        ({"merges": [(b"a", b"b"), (b"a", b"b")]}, "makes b'ab' a second time"),
        ({"merges": [], "special_tokens": [""]}, "a special token is empty"),
        ({"merges": [], "special_tokens": {END: 3}}, "id 3 belongs to 2 tokens"),
        ({"merges": [], "ids": {b"ab": 3}}, "256 tokens have no id"),
    ],
)
def test_a_vocabulary_that_does_not_hold_together_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        BytePairTokenizer(**arguments)


# ---- explaining ----


@settings(max_examples=100)
@given(text=texts)
def test_an_explanation_ends_in_the_ids(trained, text):
    tokenizer, _ = trained
    words = split(text)
    assume(words)
    explanation = tokenizer.explain(words[0])
    assert explanation.ids == tokenizer.encode(words[0])
    assert b"".join(explanation.start) == words[0].encode("utf-8")
    parts = explanation.start
    for step in explanation.steps:
        assert tokenizer.merges[step.rank] == step.pair
        parts = join_pair(parts, step.pair)
        assert parts == step.parts
    assert [step.rank for step in explanation.steps] == sorted(step.rank for step in explanation.steps)
    assert all(f"{step.rank}  " in str(explanation) for step in explanation.steps)


def test_an_explanation_prints_as_a_table():
    tokenizer = BytePairTokenizer([(b"h", b"e"), (b" ", b"t"), (b" t", b"he")])
    assert str(tokenizer.explain(" the")).splitlines() == [
        "rank  pair     the word after it",
        "               ␣ t h e",
        "   0  h + e    ␣ t he",
        "   1  ␣ + t    ␣t he",
        "   2  ␣t + he  ␣the",
        "ids: ␣the = 258",
    ]
    assert str(tokenizer.explain("x")).splitlines()[-1] == f"ids: x = {tokenizer.ids[b'x']}"
    with pytest.raises(ValueError, match=r"'the cat' is 2: \['the', ' cat'\]"):
        tokenizer.explain("the cat")


@pytest.mark.parametrize("word", [" lighthouse", "$", "aaaa", "🙂", "x"])
def test_the_tree_shows_every_merge_and_every_id(trained, word, tmp_path, recwarn):
    tokenizer, _ = trained
    explanation = tokenizer.explain(word)
    figure = merge_tree(explanation)
    written = [text.get_text() for text in figure.axes[0].texts]
    assert {f"id {i}" for i in explanation.ids} | {f"rank {step.rank}" for step in explanation.steps} <= set(written)
    inner = sum(text.startswith("rank") for text in written)
    assert inner == len(explanation.start) - len(explanation.ids)  # each merge makes one node of two
    figure.savefig(tmp_path / "tree.png")
    assert not recwarn.list  # of a character that the font lacks, say


def test_a_tree_too_wide_to_read_is_refused(trained):
    with pytest.raises(ValueError, match="101 bytes, too many for a picture; give one of at most 100"):
        merge_tree(trained[0].explain("x" * 101))
