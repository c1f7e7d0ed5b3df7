"""What both kinds of fine-tuning do between their options and their run."""

from collections.abc import Mapping
from dataclasses import asdict
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from shared_gpt.checkpoints.adapters import weights_fingerprint
from shared_gpt.commands.finetune.options import LoRAOptions
from shared_gpt.text import Tokenizer, split_examples
from shared_gpt.text.corpora import source_path
from shared_gpt.text.token_file import tokenizer_fingerprint
from shared_gpt.text.tokenizer_files import NAMED_TOKENIZERS
from shared_gpt.training.arrays import to_numpy
from shared_gpt.training.corpus import describe_files
from shared_gpt.training.lifecycle import errors_of, lasting_source, resumed_options
from shared_gpt.training.run_folder import RunFolder

Options = TypeVar("Options")  # Instructions or Labels
Example = TypeVar("Example")
# options that say where something is, or what to do with the run; another value of theirs makes no other run
NOT_OF_THE_IDENTITY = ("training", "resume", "out", "weights", "data", "tokenizer", "n_heads", "score")


def settle(options: Options, folder: RunFolder, task: str) -> Options:
    """The options, free of contradictions; of a run that goes on, those that it kept."""
    with errors_of(folder.training, when=options.resume):
        options = kept_options(options, folder, task)
        refuse_contradictions(options)
    return options


def refuse_contradictions(options: Any) -> None:
    """Raises ValueError for options of which one makes another meaningless."""
    options.lora.refuse_contradictions()
    if getattr(options, "train", None) == "all" and options.lora.lora_rank is not None:
        raise ValueError(
            "--train all and --lora-rank exclude each other: LoRA freezes the weights; leave one of them out."
        )
    if getattr(options, "score", False) and options.test_fraction == 0:
        raise ValueError(
            "--score needs entries that are held out, and --test-fraction 0 holds out none; leave one of them out."
        )


def kept_options(options: Options, folder: RunFolder, task: str) -> Options:
    """The options as they are, or with what a run that goes on kept."""
    if options.resume:
        kept = folder.read_training(f"finetune {task}", options=dict)
        return resumed_options(
            options, type(options)(), kept["options"] | {"training": kept["settings"]}, folder.training
        )
    if options.weights is None:
        raise ValueError(
            "No model to begin with; give --weights: the folder of a pretrain run, GPT-2's files, or gpt2 by name."
        )
    return options


def training_parts(examples: list[Example], options: Any) -> tuple[list[Example], list[Example], list[Example]]:
    """Examples to train on, to validate on, and to hold out to the end; the first two are not empty."""
    fractions = options.training.val_fraction, options.test_fraction
    parts = split_examples(examples, *fractions, np.random.default_rng([options.training.seed, 4]))
    for part, purpose in zip(parts, ("train", "validate")):
        if not part:
            raise ValueError(
                f"{options.data} has {len(examples)} examples, and none is left to {purpose} on; "
                "give more, or other --val-fraction and --test-fraction."
            )
    return parts


def identify(options: Any, names: Mapping[str, Any], model: Any, tokenizer: Tokenizer) -> dict[str, Any]:
    """What a resumed run must have in common with the run that began. names: of the data that ship. model: as it was loaded,
    with nothing added yet."""
    identity = {key: value for key, value in asdict(options).items() if key not in NOT_OF_THE_IDENTITY}
    lora = identity.pop("lora")
    weights = weights_fingerprint({name: to_numpy(tensor) for name, tensor in model.state_dict().items()})
    return {
        **identity,
        **lora,
        "lora_targets": list(lora["lora_targets"]),
        "data": describe_files([source_path(options.data, names)]),
        "weights": f"sha256 {weights[:16]}",
        "tokenizer": tokenizer_fingerprint(tokenizer).hex()[:16],
    }


def adapt(twin: ModuleType, model: Any, lora: LoRAOptions, rng: np.random.Generator, more_targets: tuple = ()) -> None:
    """Give the model its branches, if a rank was asked for."""
    if lora.lora_rank is not None:
        alpha = 2.0 * lora.lora_rank if lora.lora_alpha is None else lora.lora_alpha
        twin.apply_lora(model, lora.lora_rank, alpha, (*lora.lora_targets, *more_targets), lora.lora_dropout, rng)


def describe(options: Any, names: Mapping[str, Any], task: str) -> dict[str, Any]:
    """What training.json says of the run: the task, and the options in a form that holds in any working folder."""
    kept = {key: value for key, value in asdict(options).items() if key not in ("training", "resume", "out")}
    for key, its_names in (("weights", ()), ("data", names), ("tokenizer", NAMED_TOKENIZERS)):
        kept[key] = kept[key] and lasting_source(kept[key], its_names)
    return {"task": task, "options": kept}
