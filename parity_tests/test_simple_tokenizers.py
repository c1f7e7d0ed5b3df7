"""The word and character tokenizers, and tokenizers of every kind in files."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from parity_tests.texts import SAMPLE, broken_texts, texts
from shared_gpt.text import (
    BytePairTokenizer,
    CharTokenizer,
    SimpleTokenizerV1,
    SimpleTokenizerV2,
    build_vocab,
    find_tokenizer,
    load_tokenizer,
    save_tokenizer,
)
from shared_gpt.text.simple import split_words
from shared_gpt.text.tokenizer import visible

END, UNKNOWN = "<|endoftext|>", "<|unk|>"
TEXT = 'He said--"No, it\'s (well) done!" Did he; or: not_so?'


# ---- words ----


def test_words_and_punctuation_marks_by_hand():
    words = "He said -- # No , it ' s ( well ) done ! # Did he ; or : not _ so ?".replace("#", '"').split(" ")
    assert split_words(TEXT) == words
    assert list(build_vocab(TEXT).items()) == list(zip(sorted(set(words)), range(100)))


@settings(max_examples=100)
@given(text=texts)
def test_words_hold_all_but_the_white_space(text):
    assert "".join("".join(split_words(text)).split()) == "".join(text.split())
    assert all(word == word.strip() != "" for word in split_words(text))


@pytest.mark.parametrize("tokenizer_class", [SimpleTokenizerV1, SimpleTokenizerV2])
def test_known_words_come_back(tokenizer_class):
    tokenizer = tokenizer_class(build_vocab(SAMPLE))
    ids = tokenizer.encode(SAMPLE)
    assert tokenizer.encode(tokenizer.decode(ids)) == ids
    assert tokenizer.decode(tokenizer.encode("The lamp, the lens: the ships!")) == "The lamp, the lens: the ships!"
    assert tokenizer.decode_bytes(np.array(ids)) == tokenizer.decode(ids).encode("utf-8")
    assert [tokenizer.str_to_int[word] for word in split_words(SAMPLE)] == ids


def test_v1_names_the_word_it_lacks_and_suggests_v2():
    tokenizer = SimpleTokenizerV1(build_vocab(TEXT))
    assert (tokenizer.n_vocab, tokenizer.eot) == (len(build_vocab(TEXT)), None)
    with pytest.raises(ValueError, match=r"The word 'Hello' is not among the 23 words.*SimpleTokenizerV2"):
        tokenizer.encode("Hello, it's done")


def test_v2_adds_two_words_after_the_others():
    vocab = build_vocab(TEXT)
    tokenizer = SimpleTokenizerV2(vocab)
    n = len(vocab)
    assert (tokenizer.str_to_int[END], tokenizer.str_to_int[UNKNOWN]) == (n, n + 1)
    assert (tokenizer.n_vocab, tokenizer.eot) == (n + 2, n)
    assert vocab == build_vocab(TEXT)  # the caller's own is left alone
    ids = tokenizer.encode(f"Hello, he said {END} done")
    assert ids == [n + 1, vocab[","], vocab["he"], vocab["said"], n, vocab["done"]]
    assert tokenizer.decode(ids) == f"{UNKNOWN}, he said {END} done"


def test_v2_finds_a_glued_special_token_only_with_permission():
    tokenizer = SimpleTokenizerV2(build_vocab("one two"))
    one, two, end, unknown = range(4)
    assert tokenizer.encode(f"one{END}two") == [unknown]
    assert tokenizer.encode(f"one{END}two", {END}) == tokenizer.encode(f"one{END}two", "all") == [one, end, two]


def test_a_vocabulary_with_the_two_words_is_taken_as_it_is():
    vocab = {"a": 5, UNKNOWN: 1, END: 9}
    tokenizer = SimpleTokenizerV2(vocab)
    assert tokenizer.str_to_int == vocab
    assert tokenizer.n_vocab == 10
    assert tokenizer.encode(f"a b {END}") == [5, 1, 9]
    with pytest.raises(ValueError, match="Id 3 is no token of this vocabulary, whose ids go from 1 to 9"):
        tokenizer.decode([3])


def test_no_vocabulary_is_refused():
    for text in ("", " \n\t "):
        with pytest.raises(ValueError, match="holds no word"):
            build_vocab(text)
    for vocab in ({}, {"a": 1, "b": 1}):
        with pytest.raises(ValueError, match="at least one word, and a different id for each"):
            SimpleTokenizerV1(vocab)


# ---- characters ----


@settings(max_examples=100)
@given(text=texts, end_of_text=st.booleans())
def test_characters_come_back(text, end_of_text):
    assume(text)
    tokenizer = CharTokenizer(text, end_of_text)
    ids = tokenizer.encode(text)
    assert len(ids) == len(text)
    assert sorted(set(ids)) == list(range(len(set(text))))
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode_bytes(ids) == text.encode("utf-8")
    assert tokenizer.n_vocab == len(set(text)) + end_of_text
    assert tokenizer.eot == (len(set(text)) if end_of_text else None)
    assert [a < b for a, b in pairwise(text)] == [a < b for a, b in pairwise(ids)]  # sorted


def test_the_end_of_a_text_takes_permission():
    tokenizer = CharTokenizer("ab<|endoftext|>", end_of_text=True)
    assert tokenizer.encode(f"a{END}b", {END}) == [*tokenizer.encode("a"), tokenizer.eot, *tokenizer.encode("b")]
    assert tokenizer.eot not in tokenizer.encode(f"a{END}b")
    assert tokenizer.decode(tokenizer.encode(f"a{END}b", "all")) == f"a{END}b"


def test_a_character_that_is_lacking_is_named_with_its_place():
    with pytest.raises(ValueError, match=r"'é' \(position 3\) is not among the 4 of the vocabulary"):
        CharTokenizer("cafe").encode("cafés")
    with pytest.raises(ValueError, match=r"'\ufffd' \(position 1\)"):
        CharTokenizer("cafe").encode("c\ud800")
    with pytest.raises(ValueError, match="empty"):
        CharTokenizer("")


# ---- every kind ----

MADE = [
    lambda text: SimpleTokenizerV1(build_vocab(text)),
    lambda text: SimpleTokenizerV2(build_vocab(text)),
    lambda text: CharTokenizer(text),
    lambda text: CharTokenizer(text, end_of_text=True),
    lambda text: BytePairTokenizer.train(text, 300),
]


@pytest.mark.parametrize("make", MADE)
def test_a_folder_brings_its_tokenizer_back(make, tmp_path):
    text = SAMPLE[:2000] + " 語é"
    tokenizer = make(text)
    path = save_tokenizer(tokenizer, tmp_path / "runs" / "first")
    assert path == tmp_path / "runs" / "first" / "tokenizer.json"
    for source in (path, path.parent, str(path.parent)):
        back = load_tokenizer(source)
        assert type(back) is type(tokenizer)
        assert back.to_dict() == tokenizer.to_dict()
        assert (back.n_vocab, back.eot) == (tokenizer.n_vocab, tokenizer.eot)
        assert back.encode(text) == tokenizer.encode(text)
        assert back.decode(range(back.n_vocab)) == tokenizer.decode(range(tokenizer.n_vocab))
    assert find_tokenizer(str(path)).to_dict() == tokenizer.to_dict()
    assert [file.name for file in path.parent.iterdir()] == ["tokenizer.json"]


@settings(max_examples=30)
@given(text=broken_texts)
@pytest.mark.parametrize("make", MADE)
def test_what_is_encoded_is_decodable_whatever_the_text(make, text):
    assume(text.strip())
    tokenizer = make(text)
    ids = tokenizer.encode(text)
    assert all(0 <= i < tokenizer.n_vocab for i in ids)
    assert tokenizer.decode_bytes(ids) == tokenizer.decode(ids).encode("utf-8")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not valid JSON"),
        ("{}", "is no tokenizer of this project"),
        ('{"kind": "wordpiece"}', "the unknown kind 'wordpiece'; the kinds are byte-pair, gpt2, characters"),
        ('{"kind": "characters"}', "holds no characters tokenizer: 'characters' is no text"),
        ('{"kind": "characters", "characters": "", "end_of_text": false}', "holds no characters tokenizer: The text"),
        ('{"kind": "simple-v1", "vocab": ["a"]}', "holds no simple-v1 tokenizer: 'vocab' is no table"),
        ('{"kind": "simple-v2", "vocab": {"a": "0"}}', "holds no simple-v2 tokenizer: the id of 'a' is '0', where"),
        ('{"kind": "simple-v1", "vocab": {}}', "holds no simple-v1 tokenizer: A vocabulary holds at least one word"),
        ('{"kind": "byte-pair", "vocab": {}, "merges": [], "special_tokens": {}}', "byte-pair tokenizer: 256 tokens"),
    ],
)
def test_a_broken_file_is_named_in_one_sentence(content, says, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=says) as caught:
        load_tokenizer(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json does not exist; give a run's folder"):
        load_tokenizer(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"'gpt3' is neither a tokenizer's name \(gpt2, stories, characters\)"):
        find_tokenizer("gpt3")


def test_a_folder_with_gpt2s_pair_of_files_is_a_tokenizer(tmp_path):
    tokenizer = BytePairTokenizer.train(SAMPLE[:2000], 300)
    tokenizer.save(tmp_path)
    assert find_tokenizer(tmp_path).to_dict() == tokenizer.to_dict()


def test_the_tokenizers_of_the_stories():
    stories, characters = find_tokenizer("stories"), find_tokenizer("characters")
    assert stories.n_vocab == 2048
    assert len(stories.encode(SAMPLE)) < len(SAMPLE) / 3
    assert characters.decode(characters.encode(SAMPLE)) == stories.decode(stories.encode(SAMPLE)) == SAMPLE
    assert None not in (stories.eot, characters.eot)


def test_a_file_is_one_a_person_can_read(tmp_path):
    content = save_tokenizer(BytePairTokenizer.train("the cat, the hat " * 3, 270), tmp_path).read_text(
        encoding="utf-8"
    )
    assert list(json.loads(content)) == ["kind", "vocab", "merges", "special_tokens"]
    assert '"Ġthe": ' in content


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (b" the", "␣the"),
        (b"\r\n\t", "␍⏎⇥"),
        ("é語🙂".encode(), "é語🙂"),
        (b"\xe2\x82", "\\xe2\\x82"),
        (b"\x1b[31m\x00", "\\x1b[31m\\x00"),
        ("\u202e\xa0\u200d".encode(), "\\u202e\\u00a0\\u200d"),
        ("\U000e0041".encode(), "\\U000e0041"),
        (b"", ""),
    ],
)
def test_a_token_as_one_can_print_it(token, shown):
    assert visible(token) == shown
    assert all(character.isprintable() and character != " " for character in visible(token))


@pytest.mark.parametrize("i", [2_000_000_000, 10**400, -1, True, 0.5, "0"])
@pytest.mark.parametrize("key", ["vocab", "special_tokens"])
def test_an_id_that_makes_a_giant_embedding_is_one_line(i, key, tmp_path):
    """2,000,000,000 once had the fingerprint count up to it."""
    path = tmp_path / "tokenizer.json"
    for tokenizer in (BytePairTokenizer([]), SimpleTokenizerV1(build_vocab("a b c"))):
        data = {"kind": tokenizer.kind, **tokenizer.to_dict()}
        if key not in data:
            continue
        data[key] = data[key] | {next(iter(data[key])): i}
        path.write_text(json.dumps(data), encoding="utf-8")
        with pytest.raises(
            ValueError, match=r"tokenizer\.json .* the id of .* is .*, where a whole number from 0 to"
        ) as caught:
            load_tokenizer(path)
        assert len(str(caught.value)) < 500
