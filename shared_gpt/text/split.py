"""GPT-2's words: the pieces that a text is split into before any pair is joined (Radford et al. 2019, section 2.2).

A word is an ending like 'll; or letters, or digits, or other signs, with at most one space before them; or white space,
whose last character is left to what follows. \\s is Unicode's White_Space. U+001C to U+001F, which are white space to
Python's str.isspace, do not belong to it.

Letters and digits are those of Unicode 16, as in tiktoken, even if the installed `regex` knows newer ones, so that a text
keeps its ids.
"""

import regex

PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?{L}+| ?{N}+| ?[^\s{L}{N}]+|\s+(?!\S)|\s+"
GPT2_PATTERN = PATTERN.format(L=r"\p{L}", N=r"\p{N}")

# where Unicode 17 and 18 added letters and digits, and 16 has none
_NEWER_RANGES = (
    "558 58B-58C 88F C5C CDC 208F 209D-209F A7CE-A7CF A7D2 A7D4 A7DD-A7F1 AB6C-AB6D 107BB-107BF 10940-10959 "
    "10EC5-10EEE 11B0A 11DB0-11DF1 1246F-1247F 12550-12686 16EA0-16ED3 16FF2-16FF6 187F8-187FF 18CD6-18CDA "
    "18D09-191D2 1B123-1B128 1B168 1D6A6 1DF1F-1DF24 1DF2B-1DFFF 1E6C0-1E6FF 2B73A-2B73F 2B81E 2CEA2-2CEAD "
    "323B0-33479 3D000-3FC3F"
)
_BOUNDS = [[int(end, 16) for end in span.split("-")] for span in _NEWER_RANGES.split()]
_newer = frozenset(chr(code) for span in _BOUNDS for code in range(span[0], span[-1] + 1))
_newer_class = "".join(f"{chr(span[0])}-{chr(span[-1])}" for span in _BOUNDS)

_words = regex.compile(GPT2_PATTERN)
_words_of_unicode_16 = regex.compile(
    PATTERN.format(L=rf"[\p{{L}}--[{_newer_class}]]", N=rf"[\p{{N}}--[{_newer_class}]]"), regex.VERSION1
)


def split(text: str) -> list[str]:
    """The words of a text. Joined, they are the text."""
    words = _words if text.isascii() or _newer.isdisjoint(text) else _words_of_unicode_16  # the second is slower
    return words.findall(text)


def split_bytes(word: str) -> list[bytes]:
    """The bytes of a word in UTF-8, one by one: what merging starts from."""
    return [bytes([byte]) for byte in word.encode("utf-8")]
