"""Pretraining: a run that learns a text, window by window; its samples continue a prompt."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.array_types import Integer
from shared_gpt.config import GPTConfig
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.text.windows import TokenWindows, split_tokens
from shared_gpt.training.display import Display
from shared_gpt.training.processes import ALONE, Processes
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings
from shared_gpt.training.training_run import TrainingRun


class Pretraining(TrainingRun):
    """A model with the sizes of the config, new or with `weights` (a state dict), and one long sequence of tokens to learn
    from."""

    def __init__(
        self,
        twin: ModuleType,
        config: GPTConfig,
        settings: TrainSettings,
        tokenizer: Tokenizer,
        tokens: Integer[np.ndarray, " N"],
        identity: dict[str, Any] | None = None,
        folder: RunFolder | None = None,
        display: Display | None = None,
        processes: Processes = ALONE,
        weights: Mapping[str, Any] | None = None,
    ):
        T = config.context_length
        train_tokens, val_tokens = split_tokens(tokens, settings.val_fraction)
        rng = np.random.default_rng(settings.seed)
        model = twin.GPTModel(config, rng, getattr(twin, settings.dtype), initialize=False)
        if weights is None:
            {"gpt2": model.initialize, "pytorch": model.initialize_as_pytorch}[settings.initial_weights](rng)
        else:
            model.load_state_dict(weights)
        super().__init__(
            twin,
            model,
            rng,
            settings,
            tokenizer,
            TokenWindows(train_tokens, T, settings.stride or max(T // 4, 1)),
            TokenWindows(val_tokens, T),
            settings.batch_size * settings.accumulate * T,
            identity,
            folder,
            display,
            processes,
        )
        try:
            self.prompt = tokenizer.encode(settings.sample_prompt) if settings.sample_prompt else tokens[:1].tolist()
        except ValueError as error:
            where = f"{folder.path}: " if folder else ""
            raise ValueError(f"{where}the prompt of the samples does not fit the tokenizer: {error}") from None

    def title(self) -> str:
        config = self.config
        return (
            f"{self.twin.__name__}: {self.model.num_parameters():,} parameters ({config.n_layers} layers, "
            f"{config.n_heads} heads, width {config.emb_dim}), context {config.context_length}, vocabulary "
            f"{config.vocab_size:,}; {len(self.train_set.tokens):,} tokens to train on, "
            f"{len(self.val_set.tokens):,} to validate on"
        )

    def sample(self) -> None:
        """A text from the model as it is now; the random draws are always the same, so that samples differ by the model alone."""
        if not self.processes.is_first:
            return
        rng = np.random.default_rng([self.settings.seed, 3])
        (ids,) = self.twin.generate(
            self.model,
            [self.prompt],
            self.settings.sample_tokens,
            temperature=self.settings.sample_temperature,
            top_k=40,
            rng=rng,
        )
        text = self.tokenizer.decode(ids)
        self.display.sample(self.step, text)
        if self.folder:
            self.folder.add_sample(self.step, text)
