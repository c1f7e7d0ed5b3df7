"""Files in and out: every form GPT-2's weights come in, and this project's own runs. No model, no maths.

`open_checkpoint` says what a path holds and copies its tensors where they are wanted; `save_checkpoint` writes them for
other programs; `save_tensors` and `load_tensors` keep the state of a training run.
"""

from shared_gpt.checkpoints.run_files import load_tensors, save_tensors
from shared_gpt.checkpoints.source import Checkpoint, open_checkpoint
from shared_gpt.checkpoints.stored import CheckpointError
from shared_gpt.checkpoints.writers import LAYOUTS, save_checkpoint

__all__ = [
    "LAYOUTS",
    "Checkpoint",
    "CheckpointError",
    "load_tensors",
    "open_checkpoint",
    "save_checkpoint",
    "save_tensors",
]
