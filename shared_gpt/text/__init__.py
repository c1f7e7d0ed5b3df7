"""Text to token ids and back, and corpora to batches: what both twins share before any tensor maths."""

from shared_gpt.text.batches import IGNORE_INDEX, Batches, split_examples
from shared_gpt.text.bpe import BytePairTokenizer, Explanation, merge_tree
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.text.corpora import load_text
from shared_gpt.text.gpt2 import gpt2_tokenizer
from shared_gpt.text.instructions import InstructionDataset, load_instructions
from shared_gpt.text.labels import LabelDataset, balance, labels_and_last, load_labels
from shared_gpt.text.prompts import format_prompt
from shared_gpt.text.show import show_targets
from shared_gpt.text.simple import SimpleTokenizerV1, SimpleTokenizerV2, build_vocab
from shared_gpt.text.token_file import load_tokens, open_tokens, prepare
from shared_gpt.text.tokenizer import END_OF_TEXT, UNKNOWN, Tokenizer
from shared_gpt.text.tokenizer_files import find_tokenizer, load_tokenizer, save_tokenizer
from shared_gpt.text.windows import TokenWindows, split_tokens

__all__ = [
    "END_OF_TEXT",
    "IGNORE_INDEX",
    "UNKNOWN",
    "Batches",
    "BytePairTokenizer",
    "CharTokenizer",
    "Explanation",
    "InstructionDataset",
    "LabelDataset",
    "SimpleTokenizerV1",
    "SimpleTokenizerV2",
    "TokenWindows",
    "Tokenizer",
    "balance",
    "build_vocab",
    "find_tokenizer",
    "format_prompt",
    "gpt2_tokenizer",
    "labels_and_last",
    "load_instructions",
    "load_labels",
    "load_text",
    "load_tokenizer",
    "load_tokens",
    "merge_tree",
    "open_tokens",
    "prepare",
    "save_tokenizer",
    "show_targets",
    "split_examples",
    "split_tokens",
]
