"""What of tensorflow_gpt belongs to a definition of the twins, as a Keras user writes it; Keras' own layers where it has none."""

import json
from pathlib import Path

from markupsafe import Markup

from parity_tests.mirror import NUMPY, definitions, tree_of
from reader.highlight import coloured_lines

TENSORFLOW = NUMPY.parent / "tensorflow_gpt"
COUNTERPARTS = (
    Path(__file__).parent / "data" / "keras.json"
)  # definition of the twins: of tensorflow_gpt, or Keras' own


def counterparts(room: str) -> list[tuple[str, str, Markup]]:
    """(definition, where its counterpart stands, the text of it) for each definition of a room that has one."""
    found, table = [], json.loads(COUNTERPARTS.read_text(encoding="utf-8"))
    for place, other in table["tensorflow_gpt"].items():
        file, _, name = other.partition(".")
        path = TENSORFLOW / f"{file}.py"
        node = definitions(tree_of(path).body).get(name)
        if node is None:
            raise ValueError(
                f"{COUNTERPARTS.name} sets {place} beside tensorflow_gpt.{other}, which is not there; mend it."
            )
        if place.startswith(f"{room}."):
            text = Markup("\n".join(coloured_lines(path)[node.lineno - 1 : node.end_lineno]))
            found.append((place.partition(".")[2], f"tensorflow_gpt/{file}.py, line {node.lineno}", text))
    own = [(place.partition(".")[2], text) for place, text in table["keras"].items() if place.startswith(f"{room}.")]
    return found + [(place, "Keras’ own", Markup.escape(text)) for place, text in own]
