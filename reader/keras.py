"""What of tensorflow_gpt belongs to a definition of the twins, as a Keras user writes it."""

import ast
from pathlib import Path

import numpy_gpt
from parity_tests.mirror import tree_of
from reader.highlight import coloured_lines

TENSORFLOW = Path(numpy_gpt.__file__).parents[1] / "tensorflow_gpt"

# room.definition of the twins: file.definition of tensorflow_gpt. Keras' own layers stand for what is not here.
COUNTERPARTS = {
    "functional.gelu": "layers.gelu",
    "layers.GELU": "layers.gelu",
    "layers.Dropout": "layers.Dropout",
    "attention.MultiHeadAttention": "layers.CausalSelfAttention",
    "block.FeedForward": "layers.FeedForward",
    "block.TransformerBlock": "layers.TransformerBlock",
    "model.GPTModel": "model.GPTModel",
    "lora.LoRALinear": "layers.LoRADense",
    "lora.apply_lora": "lora.apply_lora",
    "optim.AdamW": "optim.AdamW",
    "train.train": "train.train",
    "generate.generate": "generate.generate",
    "generate.stream": "generate.stream",
}
KERAS_OWN = {
    "functional.layer_norm": "keras.layers.LayerNormalization(epsilon=1e-5)",
    "layers.LayerNorm": "keras.layers.LayerNormalization(epsilon=1e-5)",
    "layers.Linear": "keras.layers.Dense(out_features), its kernel (in, out): the transpose of ours",
    "layers.Embedding": "keras.layers.Embedding(num_rows, emb_dim)",
    "functional.softmax": "tf.nn.softmax(x)",
    "loss.CrossEntropy": "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
}


def counterparts(room: str) -> list[tuple[str, str, list[str]]]:
    """(definition, where its counterpart stands, the lines of it as HTML) for each definition of a room that has one."""
    found = []
    for place, other in COUNTERPARTS.items():
        file, _, name = other.partition(".")
        path = TENSORFLOW / f"{file}.py"
        node = next((node for node in tree_of(path).body if getattr(node, "name", "") == name), None)
        if place.startswith(f"{room}.") and isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            lines = coloured_lines(path)[node.lineno - 1 : node.end_lineno]
            found.append((place.partition(".")[2], f"tensorflow_gpt/{file}.py, line {node.lineno}", lines))
    own = [
        (place.partition(".")[2], "Keras' own", [text])
        for place, text in KERAS_OWN.items()
        if place.startswith(f"{room}.")
    ]
    return found + own


def missing() -> list[str]:
    """Counterparts that tensorflow_gpt does not define."""
    names = {path.stem: {getattr(node, "name", "") for node in tree_of(path).body} for path in TENSORFLOW.glob("*.py")}
    places = [other.partition(".") for other in COUNTERPARTS.values()]
    return [f"{file}.{name}" for file, _, name in places if name not in names[file]]
