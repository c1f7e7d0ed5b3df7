"""The names: what each weight is called here, in OpenAI's files, in Hugging Face's and in the book's, and how it is stored.

GPT-2's files hold the weights of its four projections as (in, out), here they are (out, in) as in PyTorch. Which ones
are transposed stands in the table and nowhere else: attn.c_proj is square, so its shape cannot tell.
"""

import re
from dataclasses import dataclass
from functools import cache

from shared_gpt.config import GPTConfig


@dataclass(frozen=True)
class Name:
    """One weight: its names and its shape here. GPT-2's files hold those with `transposed` as (in, out)."""

    ours: str
    openai: str
    huggingface: str
    book: str
    transposed: bool
    shape: tuple[int, ...]

    def shape_in(self, layout: str) -> tuple[int, ...]:
        """The shape in the files of a layout. A run's and the book's hold every weight as it is here."""
        return {"openai": self.openai_shape, "huggingface": self.huggingface_shape}.get(layout, self.shape)

    def transposed_in(self, layout: str) -> bool:
        return self.transposed and layout in ("openai", "huggingface")

    @property
    def openai_shape(self) -> tuple[int, ...]:
        """OpenAI's projections are convolutions one position wide, hence the 1 in front."""
        return (1, *reversed(self.shape)) if self.transposed else self.shape

    @property
    def huggingface_shape(self) -> tuple[int, ...]:
        return tuple(reversed(self.shape)) if self.transposed else self.shape


TABLE = """
ours                       OpenAI's TensorFlow        Hugging Face's                         transposed   shape
wte.weight                 model/wte                  transformer.wte.weight                 no           V  C
wpe.weight                 model/wpe                  transformer.wpe.weight                 no           N  C
h.{i}.ln_1.weight          model/h{i}/ln_1/g          transformer.h.{i}.ln_1.weight          no           C
h.{i}.ln_1.bias            model/h{i}/ln_1/b          transformer.h.{i}.ln_1.bias            no           C
h.{i}.attn.c_attn.weight   model/h{i}/attn/c_attn/w   transformer.h.{i}.attn.c_attn.weight   yes          3C C
h.{i}.attn.c_attn.bias     model/h{i}/attn/c_attn/b   transformer.h.{i}.attn.c_attn.bias     no           3C
h.{i}.attn.c_proj.weight   model/h{i}/attn/c_proj/w   transformer.h.{i}.attn.c_proj.weight   yes          C  C
h.{i}.attn.c_proj.bias     model/h{i}/attn/c_proj/b   transformer.h.{i}.attn.c_proj.bias     no           C
h.{i}.ln_2.weight          model/h{i}/ln_2/g          transformer.h.{i}.ln_2.weight          no           C
h.{i}.ln_2.bias            model/h{i}/ln_2/b          transformer.h.{i}.ln_2.bias            no           C
h.{i}.mlp.c_fc.weight      model/h{i}/mlp/c_fc/w      transformer.h.{i}.mlp.c_fc.weight      yes          4C C
h.{i}.mlp.c_fc.bias        model/h{i}/mlp/c_fc/b      transformer.h.{i}.mlp.c_fc.bias        no           4C
h.{i}.mlp.c_proj.weight    model/h{i}/mlp/c_proj/w    transformer.h.{i}.mlp.c_proj.weight    yes          C  4C
h.{i}.mlp.c_proj.bias      model/h{i}/mlp/c_proj/b    transformer.h.{i}.mlp.c_proj.bias      no           C
ln_f.weight                model/ln_f/g               transformer.ln_f.weight                no           C
ln_f.bias                  model/ln_f/b               transformer.ln_f.bias                  no           C
lm_head.weight             -                          lm_head.weight                         no           V  C
"""
QKV = (
    "W_*"  # stands for W_query, W_key and W_value: three matrices in the book's files, whose rows together are c_attn's
)
BOOK = f"""
ours                       the book's
wte.weight                 tok_emb.weight
wpe.weight                 pos_emb.weight
h.{{i}}.ln_1.weight          trf_blocks.{{i}}.norm1.scale
h.{{i}}.ln_1.bias            trf_blocks.{{i}}.norm1.shift
h.{{i}}.attn.c_attn.weight   trf_blocks.{{i}}.att.{QKV}.weight
h.{{i}}.attn.c_attn.bias     trf_blocks.{{i}}.att.{QKV}.bias
h.{{i}}.attn.c_proj.weight   trf_blocks.{{i}}.att.out_proj.weight
h.{{i}}.attn.c_proj.bias     trf_blocks.{{i}}.att.out_proj.bias
h.{{i}}.ln_2.weight          trf_blocks.{{i}}.norm2.scale
h.{{i}}.ln_2.bias            trf_blocks.{{i}}.norm2.shift
h.{{i}}.mlp.c_fc.weight      trf_blocks.{{i}}.ff.layers.0.weight
h.{{i}}.mlp.c_fc.bias        trf_blocks.{{i}}.ff.layers.0.bias
h.{{i}}.mlp.c_proj.weight    trf_blocks.{{i}}.ff.layers.2.weight
h.{{i}}.mlp.c_proj.bias      trf_blocks.{{i}}.ff.layers.2.bias
ln_f.weight                final_norm.scale
ln_f.bias                  final_norm.shift
lm_head.weight             out_head.weight
"""
BOOK_NAMES = dict(line.split() for line in BOOK.strip().splitlines()[1:])
LINES = [line.split(maxsplit=4) for line in TABLE.strip().splitlines()[1:]]
ROWS = [[*line[:3], BOOK_NAMES[line[0]], *line[3:]] for line in LINES]
NAME_COLUMNS = ("ours", "openai", "huggingface", "book")
HEAD = "lm_head.weight"
QKV_BIAS = ".attn.c_attn.bias"


def weight_names(config: GPTConfig) -> dict[str, Name]:
    """Our key -> names, in the order of the state dict. Among them are an untied head (HEAD) and the biases of q, k and v
    (QKV_BIAS) even if the config's model has none, since files may hold them all the same."""
    C = config.emb_dim
    sizes = {"V": config.vocab_size, "N": config.context_length, "C": C, "3C": 3 * C, "4C": 4 * C}
    blocks = [row for row in ROWS if "{i}" in row[0]]
    start = ROWS.index(blocks[0])
    rows = [(row, 0) for row in ROWS[:start]]
    rows += [(row, i) for i in range(config.n_layers) for row in blocks]
    rows += [(row, 0) for row in ROWS[start + len(blocks) :]]
    names = {}
    for (ours, openai, huggingface, book, transposed, shape), i in rows:
        key = ours.format(i=i)
        lengths = tuple(sizes[letter] for letter in shape.split())
        theirs = (name.format(i=i) for name in (openai, huggingface, book))
        names[key] = Name(key, *theirs, transposed == "yes", lengths)
    return names


def in_model(key: str, config: GPTConfig) -> bool:
    """Whether a model of this config has the weight."""
    return not ((key == HEAD and config.tie_embeddings) or (key.endswith(QKV_BIAS) and not config.qkv_bias))


def our_key(name: str, column: str) -> str | None:
    """The key of a weight by its name in a column of the table ("ours", "openai", "huggingface", "book"), or None."""
    for pattern, ours in reverse_table()[column]:
        if found := pattern.fullmatch(name):
            return ours.format(i=found[1]) if "{i}" in ours else ours
    return None


@cache
def reverse_table() -> dict[str, list[tuple[re.Pattern, str]]]:
    """For each column: (pattern that its names match, our key with {i} for the block)."""

    def pattern(template: str) -> re.Pattern:
        return re.compile(re.escape(template).replace(re.escape("{i}"), "(0|[1-9][0-9]{0,5})"))

    return {name: [(pattern(row[place]), row[0]) for row in ROWS] for place, name in enumerate(NAME_COLUMNS)}
