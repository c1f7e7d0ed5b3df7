"""Every command by its name. Each is a dataclass: its fields are the options, and `run(twin)` does the work."""

from shared_gpt.commands.checkpoints import Convert, Inspect
from shared_gpt.commands.finetuning import Chat, Classify, Finetune
from shared_gpt.commands.generation import Evaluate, Generate
from shared_gpt.commands.prepare import Prepare
from shared_gpt.commands.tokenizers import Tokenize, TrainTokenizer
from shared_gpt.commands.training import Anatomy, Demo, Plot, Pretrain

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
