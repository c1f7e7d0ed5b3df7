"""Part 5, weights: GPT-2's files into our names."""

from exercises.exercise import Exercise, Question
from exercises.probes import text as probes
from numpy_gpt import GPTConfig
from shared_gpt.checkpoints.names import weight_names


def _name(key: str):
    return weight_names(GPTConfig.preset("gpt2-small"))[key]


EXERCISES = (
    Exercise(
        "weight-names", "weights", "implement", 25, 2,
        task="""Our key for a weight of GPT-2's files.

name: what a file calls a weight. column: whose file, "openai" or "huggingface" (or "ours").
reverse_table()[column] lists pairs: a compiled pattern for the name, and our key, with {i} where
the number of the block belongs; the pattern's first group is that number. Give our key, with the
number in it, or None for a name that no pattern matches whole.""",
        hints=(
            "Try one pattern after the other; the first that matches the whole name decides.",
            "pattern.fullmatch(name) is None unless all of the name fits; pattern.match would take model/wte/extra too.",
            "Keys without {i} belong to no block: found[1] would raise there, so ask for {i} first.",
        ),
        targets=("shared_gpt.checkpoints.names.our_key",), probe=probes.our_key,
    ),
    Exercise(
        "transposed-weights", "weights", "derive", 15, 2,
        task="""The transposition that no shape can see.

GPT-2's files hold the weights of four projections as (in, out); ours are (out, in), as in
PyTorch. For GPT-2 small, with C = 768.""",
        hints=(
            "c_attn makes queries, keys and values side by side, so its output is three times as wide as its input.",
            "The table stands in shared_gpt/checkpoints/names.py: the embeddings are tables of rows, not projections.",
            "A check by shape cannot see a missing transposition where the two shapes are one: where in and out are equal.",
        ),
        questions=(
            Question("ours_c_attn", "The shape of h.0.attn.c_attn.weight here:", lambda: _name("h.0.attn.c_attn.weight").shape,
                     "ours are (out, in)"),
            Question("file_c_attn", "Its shape in Hugging Face's file:",
                     lambda: _name("h.0.attn.c_attn.weight").huggingface_shape,
                     "the file has (in, out)"),
            Question("file_wte", "The shape of wte.weight in the file (V = 50257):",
                     lambda: _name("wte.weight").huggingface_shape,
                     "a table has a row for each token, here and there"),
            Question("unseen", 'Which projection fits either way round? (its name, such as "mlp.c_fc")',
                     lambda: next(n.ours[4:-7] for n in weight_names(GPTConfig.preset("gpt2-small")).values()
                                  if n.transposed and n.shape[0] == n.shape[1]),
                     "look for the projection whose input is as wide as its output"),
        ),
    ),
)  # fmt: skip
