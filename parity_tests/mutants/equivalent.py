"""Mutants that change nothing that a user could notice, each with the reason.

A test looks whether each of them is still a mutant.
"""

from typing import NamedTuple

from parity_tests.mutants.mutate import Mutant


class Equivalent(NamedTuple):
    """The mutants of a file with this code in their line and this change ("" for every change of it), right behind `behind`."""

    file: str
    code: str
    change: str
    reason: str
    behind: str = ""

    def covers(self, mutant: Mutant) -> bool:
        here = mutant.file == self.file and self.code in mutant.code and mutant.before.endswith(self.behind)
        return here and self.change in ("", mutant.change)


TEXT = "shared_gpt/text"
ANY_NEGATIVE = "NumPy's reshape takes any negative number for the size that is missing"
LAYOUT = "a point more or less in the layout of a picture or a progress bar"
CHECKERS = "for type checkers alone"
SPEED = "it changes the time or the memory alone"
SEED = "which seed is taken where the caller gives none: any would do"
EQUIVALENTS = [
    Equivalent("numpy_gpt/chunks.py", "CHUNK = 1 << 17", "", SPEED),
    Equivalent("numpy_gpt/chunks.py", "ROWS = 4", "", SPEED),
    Equivalent("numpy_gpt/chunks.py", "if arrays[0].size <= CHUNK", "<= → <", SPEED),
    Equivalent("numpy_gpt/chunks.py", "for start in range(0, flat[0].size", "0 → 1", "all have the same size", "flat["),
    Equivalent("numpy_gpt/chunks.py", "array.reshape(-1)", "1 → 2", ANY_NEGATIVE, "reshape(-"),
    Equivalent("numpy_gpt/functional.py", ".reshape(-1, x.shape[-1])", "1 → 2", ANY_NEGATIVE, "reshape(-"),
    Equivalent("numpy_gpt/layers.py", "rows = x.reshape(-1, x.shape[-1])", "1 → 2", ANY_NEGATIVE, "reshape(-"),
    Equivalent("numpy_gpt/lora.py", ".reshape(-1, ", "1 → 2", ANY_NEGATIVE, "reshape(-"),
    Equivalent("numpy_gpt/lora.py", "self.merged = sign > 0", "> → >=", "the sign is 1 or -1"),
    Equivalent("numpy_gpt/optim.py", "if scale < 1", "< → <=", "the gradients are multiplied by 1"),
    Equivalent(
        "numpy_gpt/distributed.py", "launched = max(", "1 → 2", "there are names, so no default is taken", "default="
    ),
    Equivalent("numpy_gpt/distributed.py", "flush=True", "", "the error stream is written out at each line's end"),
    Equivalent(
        "numpy_gpt/prompt_lookup.py",
        "for start in range(len(ids) - n",
        "1 → 2",
        "one place before the first, where nothing is",
        "n - 1, -",
    ),
    Equivalent(
        "numpy_gpt/prompt_lookup.py",
        "for n in range(min(ngram",
        "- → +",
        "so long an end has no place before",
        "len(ids) ",
    ),
    Equivalent("numpy_gpt/generate.py", "[[0] * n + row for n, row", "0 → 1", "padding is not looked at", "[["),
    Equivalent("numpy_gpt/layers.py", "dy = dy.reshape(-1, dy.shape[-1])", "1 → 2", ANY_NEGATIVE, "reshape(-"),
    Equivalent("numpy_gpt/loss.py", "rows = logits.reshape(-1, logits.shape[-1])", "1 → 2", ANY_NEGATIVE, "reshape(-"),
    Equivalent("numpy_gpt/loss.py", "targets = targets.reshape(-1)", "1 → 2", ANY_NEGATIVE, "reshape(-"),
    Equivalent(
        "numpy_gpt/attention.py", "if T > 1 or padding is not None", "> → >=", "the mask hides nothing from one query"
    ),
    Equivalent(
        "numpy_gpt/sampling.py", "z[row] = np.where(seen > 0", "> → >=", "0 divided by the penalty is 0 times it"
    ),
    Equivalent("numpy_gpt/sampling.py", "np.where(before < top_p, descending, 1)", "1 → 2", "it is never the least"),
    Equivalent("numpy_gpt/generate.py", "model(as_ids(model, rows), last=1)", "1 → 2", "the logits are not used there"),
    Equivalent("numpy_gpt/kv_cache.py", "PIECE = 256", "", SPEED),
    Equivalent("numpy_gpt/generate.py", "self.padding, last=1)[:, -1]", "1 → 2", SPEED, "last="),
    Equivalent("numpy_gpt/kv_cache.py", "model(ids[:, start:end], cache, padding, last=1)", "1 → 2", SPEED, "last="),
    Equivalent(
        "numpy_gpt/prompt_lookup.py", "check_sampling(settings, max_new_tokens, 0", "0 → 1", "one candidate is allowed"
    ),
    Equivalent(
        f"{TEXT}/streamer.py",
        "self.before = list(prompt[-1:])",
        "1 → 2",
        "one token more before changes nothing behind it",
    ),
    Equivalent("numpy_gpt/lora.py", "rng = np.random.default_rng(0) if rng is None", "0 → 1", SEED),
    Equivalent("numpy_gpt/module.py", "stacklevel=3", "", "which line of numpy_gpt a warning names"),
    Equivalent("numpy_gpt/model.py", "rng = np.random.default_rng(0) if rng is None", "0 → 1", SEED),
    Equivalent("numpy_gpt/classifier.py", "rng = np.random.default_rng(0) if rng is None", "0 → 1", SEED),
    Equivalent(
        "numpy_gpt/layers.py", "keep = self.rng.random", ">= → >", "a draw that equals the rate, one in 16 million"
    ),
    Equivalent(f"{TEXT}/token_file.py", "PIECE_BYTES = 1 << 20", "20 → 21", SPEED),
    Equivalent(f"{TEXT}/token_file.py", "PIECE_BYTES = 1 << 20", "1 → 2", SPEED),
    Equivalent(f"{TEXT}/token_file.py", "if sum(map(len, held)) > MOST_HELD", "> → >=", "one character of two million"),
    Equivalent(f"{TEXT}/token_file.py", "columns = TextColumn", "30 → 31", LAYOUT),
    Equivalent(f"{TEXT}/token_file.py", "bar.update(task, completed=total)", "", LAYOUT),
    Equivalent(f"{TEXT}/corpora.py", "piece_bytes: int = 1 << 20", "20 → 21", SPEED),
    Equivalent(f"{TEXT}/corpora.py", "piece_bytes: int = 1 << 20", "1 → 2", SPEED),
    Equivalent(
        f"{TEXT}/tokenizer.py", 'ids.tolist() if hasattr(ids, "tolist")', "", "an array's numbers are found too"
    ),
    Equivalent(f"{TEXT}/labels.py", "number = 0", "", "the loop sets it before an error can name it"),
    Equivalent(f"{TEXT}/show.py", "if TYPE_CHECKING", "", CHECKERS),
    Equivalent(f"{TEXT}/bpe/merge_tree.py", "if TYPE_CHECKING", "", CHECKERS),
    Equivalent(f"{TEXT}/bpe/merge_tree.py", "if (n_bytes := len(explanation.start)) > WIDEST", "> → >=", LAYOUT),
    *(
        Equivalent(f"{TEXT}/bpe/merge_tree.py", code, "", LAYOUT)
        for code in ("figure = Figure(figsize", "axes.set_xlim(", "axes.set_ylim(", 'axes.annotate(f"id', "(0, -18)")
    ),
    Equivalent(f"{TEXT}/bpe/merge_tree.py", "lw=1, zorder=1", "1 → 2", LAYOUT),
    Equivalent(f"{TEXT}/bpe/merge_tree.py", "node.x, node.height, _drawable", "2 → 3", LAYOUT),
    Equivalent(f"{TEXT}/token_file.py", "report(len(piece", "", LAYOUT),
    Equivalent(
        f"{TEXT}/bpe/huggingface.py",
        'settings |= {"add_prefix_space"',
        "True → False",
        "what the error quotes",
        'space": ',
    ),
    Equivalent(f"{TEXT}/bpe/training.py", "BORDER = -1", "1 → 2", "any negative number is no symbol"),
    Equivalent(
        f"{TEXT}/bpe/training.py",
        "weight += [times] * len(ids) + [0]",
        "0 → 1",
        "no pair begins with the border",
        "+ [",
    ),
    Equivalent(
        f"{TEXT}/bpe/training.py",
        "left, right = list(",
        "1 → 2",
        "one place more, which no link leads to",
        "len(symbol) + ",
    ),
    Equivalent(
        f"{TEXT}/bpe/training.py",
        "dict.fromkeys(special_tokens",
        "",
        "the id of a special token is not looked at there",
    ),
    Equivalent(f"{TEXT}/split.py", "words = _words if text.isascii() or", "or → and", "the slower way finds the same"),
    Equivalent(
        f"{TEXT}/bpe/training.py", "left, right = list(range(-1", "- → +", "one place more, which no link leads to"
    ),
    Equivalent(f"{TEXT}/bpe/training.py", "symbol, weight = [BORDER], [0]", "0 → 1", "no pair begins with the border"),
    Equivalent(f"{TEXT}/bpe/training.py", "break", "break → continue", "all that follows in the heap is as rare"),
    Equivalent(f"{TEXT}/bpe/training.py", "for i in range(len(symbol) - 1)", "1 → 2", "the last symbol is a border"),
    Equivalent(
        f"{TEXT}/bpe/long_words.py",
        "left, right = list(range(-1",
        "0 → 1",
        "that link leads nowhere",
    ),
    Equivalent(
        f"{TEXT}/bpe/vocabulary.py", "Counter([*self.ids.values()", "1 → 2", "the first of one is the first of two"
    ),
    Equivalent(f"{TEXT}/bpe/files.py", 'line.replace(" ", "", 1)', "1 → 2", "a line of merges holds one space"),
    Equivalent(
        f"{TEXT}/token_file.py", "len(token).to_bytes(4", "4 → 5", "any width that holds the length tells tokens apart"
    ),
    Equivalent(f"{TEXT}/bpe/tokenizer.py", "LONG_WORD = 100", "", "both ways of merging agree"),
    Equivalent(f"{TEXT}/bpe/tokenizer.py", "KEPT_WORDS = 1 << 17", "", SPEED),
    Equivalent(f"{TEXT}/bpe/tokenizer.py", "if len(self) >= KEPT_WORDS", "", SPEED),
    Equivalent(f"{TEXT}/bpe/tokenizer.py", "self.clear()", "", SPEED),
    Equivalent(f"{TEXT}/bpe/tokenizer.py", "if len(word) > LONG_WORD", "> → >=", "both ways of merging agree"),
]


def reason(mutant: Mutant) -> str:
    """Why it changes nothing; "" if it is not among the equivalent ones."""
    return next((entry.reason for entry in EQUIVALENTS if entry.covers(mutant)), "")
