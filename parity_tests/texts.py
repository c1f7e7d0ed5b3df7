"""The texts on which tokenizers are tested: anything that Unicode allows, and the places where tokenizers go wrong."""

import os

import pytest
from hypothesis import strategies as st

from shared_gpt.text import load_text

FRAGMENTS = [
    *(" ", "  ", "   ", "\n", "\r\n", "\r", "\t", " \n ", "\x0b\x0c", "\x85", "\xa0", "\u2003", "\u2028", "\u3000"),
    *("\x1c", "\x1d", "\x1e", "\x1f", "\x00", "\x7f", "\x1b[0m", "\ufeff", "\u200b", "\u180e", "\ufffd", "\ufffe"),
    *("'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "''", "don't", " 'tis", "’s"),
    *("0", "12", "345", "٣", "½", "Ⅷ", "１２", "²"),
    *("the", " the", "Hello", " world", "naïve", "Straße", "ǅ", "ﬃ", "İ", "a", "A", "e\u0301", "\u0301", "n\u0303"),
    *("日本語", "文字化け", "한국어", "각", "ไทย", "नमस्ते", "العربية", "עברית", "\u202eabc\u202c", "ᠮᠣᠩ"),
    *("🙂", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇫🇷", "\U0001f9d1\u200d\U0001f680", "©️", "𝔘𝔫𝔦", "\U000e0041"),
    *("!", "?!", "...", "—", "->", "{}", "_", "$", "#", "<|", "|>", "<|endoftext|>", "endoftext", "http://a.b/c?d=e"),
    *("\u0558", "\u088f", "\U000323b0", "\U00011de0", "\U000325a9", "士"),  # newer than Unicode 16, and one that is not
]

fragments = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=20).map("".join)
texts = st.text(max_size=40) | fragments
surrogates = st.characters(categories=["Cs"])
broken_texts = st.lists(st.sampled_from(FRAGMENTS) | surrogates, min_size=1, max_size=12).map("".join)

needs_gpt2_vocabulary = pytest.mark.skipif(
    not os.environ.get("TIKTOKEN_CACHE_DIR"), reason="GPT-2's vocabulary: set TIKTOKEN_CACHE_DIR to tiktoken's cache"
)

SAMPLE = load_text("stories")
MIXED = SAMPLE[:20_000] + "".join(FRAGMENTS) * 4  # a vocabulary learnt from it has every script of FRAGMENTS
