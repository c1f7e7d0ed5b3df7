"""Streaming text: whole characters only, and together what decode gives."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared_gpt.text.bpe import BytePairTokenizer
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.text.simple import SimpleTokenizerV2, build_vocab
from shared_gpt.text.streamer import TextStreamer

BYTES = BytePairTokenizer([])  # one token for each byte: every character of several bytes is cut
MERGED = BytePairTokenizer.train("Grüße, wir grüßen die 🦜🦜 und die 中文 中文! " * 3, 300)
WORDS = SimpleTokenizerV2(build_vocab('Hello, do you like tea? -- Yes: "tea", and (some) sugar\'s.'))


def pieces(tokenizer, ids, prompt=()):
    streamer = TextStreamer(tokenizer, prompt)
    return [*(streamer.put(i) for i in ids), streamer.end()]


@given(st.text())
@example("🏳️‍🌈 e\u0301\U0010ffff")
def test_text_comes_in_whole_characters(text):
    for tokenizer in (BYTES, MERGED):
        shown = pieces(tokenizer, tokenizer.encode(text))
        assert "".join(shown) == text
        assert shown[-1] == ""


@given(st.text(alphabet="🦜ß中", min_size=1, max_size=5))
def test_a_character_appears_with_its_last_byte(text):
    shown = pieces(BYTES, BYTES.encode(text))
    assert [piece for piece in shown if piece] == list(text)
    assert [len(piece) for piece in shown[:-1]] == [
        int(i + 1 == len(c.encode())) for c in text for i in range(len(c.encode()))
    ]


@given(st.data())
def test_any_ids_give_what_decode_gives(data):
    """Also bytes that are no UTF-8, cut off at the end, and words whose spaces the tokenizer sets."""
    for tokenizer in (BYTES, MERGED, CharTokenizer("abc 中"), WORDS):
        ids = data.draw(st.lists(st.integers(0, tokenizer.n_vocab - 1), max_size=12))
        assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids)


@pytest.mark.parametrize(("prompt", "text", "expected"), [("Hello", ", do you", ", do you"), ("Hello,", "do", " do")])
def test_words_go_on_after_the_prompt(prompt, text, expected):
    assert "".join(pieces(WORDS, WORDS.encode(text), WORDS.encode(prompt))) == expected


def test_what_waits_is_shown_at_the_end():
    streamer = TextStreamer(BYTES)
    parrot = BYTES.encode("🦜")
    assert [streamer.put(i) for i in parrot[:3]] == ["", "", ""]
    assert streamer.end() == "\ufffd"
    assert "".join(pieces(BYTES, parrot)) == "🦜"
