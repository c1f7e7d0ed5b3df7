"""The report on replacements in shared_gpt/text: exact copies agree, and each mistake is found, placed and shown."""

import inspect
import tempfile
from pathlib import Path

import pytest

from parity_tests.copies import SUBJECT, copy_of
from parity_tests.report.checks import CHECKS
from parity_tests.report.comparison import Comparison
from parity_tests.report.evidence import gather
from parity_tests.report.replace import file_of_text, own_names, replaced, text_names
from parity_tests.report.wording import describe

TEXT_CHECKS = {name: CHECKS[name] for name in ("words and ids", "byte pairs", "windows and batches")}
# What no check calls, so that the report refuses it: files, downloads, pictures, pages; tuples and bases without code.
UNCALLED = [
    "set_generator",
    "Dataset",
    "MergeStep",
    "gpt2_texts",
    "from_gpt2_texts",
    "write_gpt2",
    "find_gpt2",
    "read_gpt2",
    "write_fast_tokenizer",
    "fast_tokenizer",
    "read_fast_tokenizer",
    "fast_config",
    "merge_tree",
    "Download",
    "source_path",
    "read_pieces",
    "read_text",
    "text_files",
    "load_text",
    "GPT2Tokenizer",
    "gpt2_tokenizer",
    "tiktoken_cache",
    "load_instructions",
    "styles_that_fit",
    "load_labels",
    "labels",
    "summary",
    "terminal_lines",
    "html_page",
    "show_targets",
    "TokenHeader",
    "tokenizer_fingerprint",
    "id_dtype",
    "whole_words",
    "encoded",
    "prepare",
    "read_header",
    "open_tokens",
    "load_tokens",
    "Tokenizer",
    "write_tokenizer",
    "read_tokenizer",
    "save_tokenizer",
    "load_tokenizer",
    "find_tokenizer",
    "Labelled",
    "Explanation",
    "Vocabulary",
]


def says(target, text):
    """What the report says of a replacement, and how often it was called."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.py")
        path.write_text(text, encoding="utf-8")
        with replaced([f"{target}={path}"]) as replacements:
            evidence = {
                name: gather(check, SUBJECT, "float64", replacements.files) for name, check in TEXT_CHECKS.items()
            }
    comparison = Comparison(SUBJECT, "float64", evidence).run(TEXT_CHECKS)
    return [describe(finding) for finding in comparison.findings], replacements.calls[target]


def names_to_copy():
    for name in sorted(set(text_names()) - set(UNCALLED)):
        yield f"text.{name}"
        value = getattr(file_of_text(name), name)
        if isinstance(value, type):
            yield from (f"text.{name}.{m}" for m in own_names(value) if inspect.isfunction(vars(value)[m]))


# Files; and a method that calls a function of its own name, which a copy of it alone would hide.
METHODS_UNCALLED = {"text.InstructionDataset.collate"} | {f"text.BytePairTokenizer.{name}" for name in ("save", "load")}


@pytest.mark.parametrize("target", [name for name in names_to_copy() if name not in METHODS_UNCALLED])
def test_an_exact_copy_agrees_and_is_called(target, tmp_path):
    found, calls = says(target, copy_of(target, tmp_path).read_text(encoding="utf-8"))
    assert found == []
    assert calls


def changed(name, old, new):
    """The source of a name of shared_gpt/text with a mistake in it."""
    owner = file_of_text(name.split(".")[0])
    with tempfile.TemporaryDirectory() as folder:
        text = copy_of(f"text.{name}", Path(folder)).read_text(encoding="utf-8")
    assert text.count(old) == 1, owner
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "said"),
    [
        (
            "TokenWindows.__getitem__",
            "window[1:]",
            "window[:-1]",
            "TokenWindows (text/windows.py): its windows",
            "[100, 101, 102, 103], where [101, 102, 103, 104] belongs; likely the targets are the inputs themselves",
        ),
        (
            "TokenWindows.__len__",
            ") // self.stride + 1",
            ") // self.stride",
            "TokenWindows (text/windows.py): its length",
            "4, where 5 belongs",
        ),
        (
            "join_pair",
            "i += width",
            "i += 1",
            "join_pair (text/bpe/tokenizer.py): a a a b",
            "where 'aa | a | b | aa | aa' belongs",
        ),
        (
            "learn_merges",
            "if -n < min_frequency:",
            "if -n <= min_frequency:",
            "learn_merges (text/bpe/training.py): its merges",
            "belongs",
        ),
        ("split_words", "piece.strip()", "piece", "split_words (text/simple.py): its words of", "where 'The | miller"),
        (
            "SimpleTokenizerV2._id",
            "self.str_to_int[UNKNOWN]",
            "0",
            "SimpleTokenizerV2.encode (text/simple.py): its ids with a word",
            "belongs",
        ),
        ("BytePairTokenizer.decode", '"replace"', '"ignore"', "", ""),
        (
            "collate",
            "ids[first + 1 : n + 1]",
            "ids[first:n]",
            "InstructionDataset.collate (text/instructions.py): its batch",
            "likely the targets are the inputs themselves; they lie one place later",
        ),
        (
            "collate",
            "n_prompt - 1",
            "n_prompt",
            "InstructionDataset.collate (text/instructions.py): its batch with mask_prompt=True",
            "belongs",
        ),
        (
            "labels_and_last",
            "last = (targets != IGNORE_INDEX).argmax(axis=1)",
            "last = np.full(len(targets), -1)",
            "labels_and_last (text/labels.py): the classes",
            "belongs",
        ),
        (
            "Batches.endless",
            "yield from self",
            "yield from self; return",
            "Batches.endless (text/batches.py): its batches",
            "belongs",
        ),
    ],
)
def test_a_mistake_is_found_placed_and_shown(name, old, new, place, said):
    found, calls = says(f"text.{name}", changed(name, old, new))
    assert calls
    if not place:  # nothing that the checks decode is cut within a character
        assert found == []
        return
    assert found[0].startswith(place)
    assert said in found[0]
