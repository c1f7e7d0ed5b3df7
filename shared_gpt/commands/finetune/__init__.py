"""finetune: from a model that knows a language to one that follows instructions, or sorts texts."""

from dataclasses import dataclass
from types import ModuleType
from typing import Annotated

from tyro.conf import subcommand

from shared_gpt.commands.finetune.instructions import Instructions
from shared_gpt.commands.finetune.labels import Labels

TASKS = {"instructions": Instructions, "labels": Labels}


@dataclass(frozen=True)
class Finetune:
    """Teach a trained model a task: to follow instructions, or to sort texts."""

    task: (
        Annotated[Instructions, subcommand("instructions", prefix_name=False)]
        | Annotated[Labels, subcommand("labels", prefix_name=False)]
    )

    def run(self, twin: ModuleType) -> None:
        self.task.run(twin)
