"""python -m benchmarks NAME: each benchmark prints the machine, every round, and a table of medians."""

from typing import Annotated, Union

import tyro

from benchmarks.answers import Answers
from benchmarks.generation import Generation
from benchmarks.loading import Loading
from benchmarks.lookup import Lookup
from benchmarks.lora import LoRA
from benchmarks.saving import Saving
from benchmarks.scaling import Scaling
from benchmarks.shakespeare import Shakespeare
from benchmarks.tokenization import Tokenization
from benchmarks.training import Training

ALL = {
    "training": Training,
    "scaling": Scaling,
    "lora": LoRA,
    "shakespeare": Shakespeare,
    "answers": Answers,
    "generation": Generation,
    "lookup": Lookup,
    "tokenization": Tokenization,
    "loading": Loading,
    "saving": Saving,
}


def main() -> None:
    choices = tuple(Annotated[kind, tyro.conf.subcommand(name, prefix_name=False)] for name, kind in ALL.items())
    tyro.cli(Union[choices], prog="python -m benchmarks", description=__doc__).run()  # noqa: UP007


if __name__ == "__main__":
    main()
