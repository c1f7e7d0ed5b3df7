"""Every command by the name that is typed. Each is a dataclass in the file of that name: its fields are the options, `run(twin)`
does the work. What the work needs is imported in `run`, so that --help need not wait for it."""

from shared_gpt.commands.anatomy import Anatomy
from shared_gpt.commands.chat import Chat
from shared_gpt.commands.classify import Classify
from shared_gpt.commands.convert import Convert
from shared_gpt.commands.demo import Demo
from shared_gpt.commands.evaluate import Evaluate
from shared_gpt.commands.finetune import TASKS, Finetune
from shared_gpt.commands.generate import Generate
from shared_gpt.commands.inspect import Inspect
from shared_gpt.commands.plot import Plot
from shared_gpt.commands.prepare import Prepare
from shared_gpt.commands.pretrain import Pretrain
from shared_gpt.commands.tokenize import Tokenize
from shared_gpt.commands.train_tokenizer import TrainTokenizer

ALL: dict[str, type] = {
    "demo": Demo,
    "plot": Plot,
    "anatomy": Anatomy,
    "pretrain": Pretrain,
    "finetune": Finetune,
    "chat": Chat,
    "classify": Classify,
    "generate": Generate,
    "evaluate": Evaluate,
    "inspect": Inspect,
    "convert": Convert,
    "tokenize": Tokenize,
    "train-tokenizer": TrainTokenizer,
    "prepare": Prepare,
}


def find(args: list[str], offered: dict[str, type]) -> tuple[str, type | None, list[str]]:
    """(the name as typed, "finetune labels" for one of a command's tasks; its class; what follows), or ("", None, args)."""
    if not args or args[0] not in offered:
        return "", None, args
    name, command, options = args[0], offered[args[0]], args[1:]
    if command is Finetune and options and options[0] in TASKS:
        return f"{name} {options[0]}", TASKS[options[0]], options[1:]
    return name, command, options
