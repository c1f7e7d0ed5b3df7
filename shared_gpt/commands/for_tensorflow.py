"""The commands of tensorflow-gpt: those of the twins that need the model, with what is left out said in their help."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tyro.conf import Fixed, Suppress

from shared_gpt import commands

T = TypeVar("T")
LeftOut = Suppress[Fixed[T]]  # keeps its default value, and is not shown


@dataclass(frozen=True)
class GenerateWithoutCache(commands.Generate):
    """Continue a text, shown token by token as the model writes it.

    Left out, for which take numpy-gpt or torch-gpt: a cache (each token costs a pass over the whole text), prompt
    look-up, and pictures of attention (--attention, --block).
    """

    no_cache: LeftOut[bool] = True
    prompt_lookup: LeftOut[int | None] = None
    attention: LeftOut[Path | None] = None
    block: LeftOut[int | None] = None


@dataclass(frozen=True)
class ChatInTerminal(commands.Chat):
    """Talk to a model that was fine-tuned on instructions; each line is a request of its own, an empty one ends.

    Left out, for which take numpy-gpt or torch-gpt: the page in the browser (--web, --port), which shows attention.
    """

    weights: str = "marren-chat"
    """marren-chat, which ships with the project; the folder of a finetune instructions run, or what convert made of one."""
    web: LeftOut[bool] = False
    port: LeftOut[int] = 0


ALL: dict[str, type] = {
    "pretrain": commands.Pretrain,
    "finetune": commands.Finetune,
    "chat": ChatInTerminal,
    "classify": commands.Classify,
    "generate": GenerateWithoutCache,
    "evaluate": commands.Evaluate,
}
