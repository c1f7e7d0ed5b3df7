"""Byte-level byte-pair encoding as GPT-2 has it, from scratch: learning a vocabulary, applying it, and showing how.

`vocabulary` is what is learnt, `files` how it is kept, `training` how it is learnt, `tokenizer` how it is applied
(`long_words` does the same for one very long word), `explanation` and `merge_tree` what happened to one word.
"""

from shared_gpt.text.bpe.explanation import Explanation
from shared_gpt.text.bpe.merge_tree import merge_tree
from shared_gpt.text.bpe.tokenizer import BytePairTokenizer

__all__ = ["BytePairTokenizer", "Explanation", "merge_tree"]
