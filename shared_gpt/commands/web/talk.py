"""Talk: what the page asks of a model, without a word about HTTP. Requests and replies are plain data."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.commands.terminal import streamed
from shared_gpt.json_values import entry
from shared_gpt.text import format_prompt
from shared_gpt.text.streamer import TextStreamer
from shared_gpt.text.tokenizer import Tokenizer, visible
from shared_gpt.training.arrays import to_numpy

SHOWN = 10  # alternatives of a token
HOTTEST = 2.0
BODY = "the request"


def request_ids(tokenizer: Tokenizer, request: str, style: str | None) -> list[int]:
    """A line that was typed as the model reads it: laid out in a style, or as a text to go on with. What follows ' | ' is the
    text to work on."""
    if style is None:
        return tokenizer.encode(request)
    instruction, _, text = request.partition(" | ")
    return tokenizer.encode(format_prompt({"instruction": instruction, "input": text}, style))


def room_for(ids: list[int], context_length: int) -> int:
    """How many tokens fit after these. Raises ValueError where none does."""
    if len(ids) >= context_length:
        raise ValueError(f"That is {len(ids)} tokens; at most {context_length - 1} fit. Ask in fewer words.")
    return context_length - len(ids)


class Talk:
    """A model with its tokenizer. style: how a request is laid out, None for a model that only goes on with a text."""

    def __init__(
        self,
        twin: ModuleType,
        model: Any,
        tokenizer: Tokenizer,
        style: str | None,
        name: str,
        temperature: float = 0.0,
        max_new_tokens: int = 200,
        seed: int | None = None,
    ):
        self.twin, self.model, self.tokenizer, self.style, self.name = twin, model, tokenizer, style, name
        self.temperature, self.max_new_tokens = temperature, max_new_tokens
        self.rng = np.random.default_rng(seed)

    def describe(self) -> dict[str, Any]:
        """What the page says about the model."""
        config = self.model.config
        return {
            "program": self.twin.__name__.replace("_", "-"),
            "name": self.name,
            "answers": self.style is not None,
            "temperature": min(self.temperature, HOTTEST),
            "parameters": self.model.num_parameters(),
            "sizes": {key: getattr(config, key) for key in ("n_layers", "n_heads", "context_length", "vocab_size")},
        }

    def write(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The prompt's tokens at once, then each new one as it is made, then why it ended and what is left of a character
        that was cut. The body holds `text`, a line as it was typed, or `ids`
        to go on from, with `prompt`, how many of them are the prompt; and `temperature`.

        Raises ValueError for a body that makes no sense before anything is written.
        """
        if "ids" in body:
            ids = self.ids_in(body)
            length = entry(body, "prompt", int, BODY)
        else:
            ids = request_ids(self.tokenizer, entry(body, "text", str, BODY), self.style)
            length = len(ids)
            if not ids:
                raise ValueError("Nothing was typed; give at least one character.")
        temperature = self.temperature_in(body)
        room = room_for(ids, self.model.config.context_length)
        end = self.tokenizer.eot
        steps = self.twin.stream(
            self.model, [ids], min(self.max_new_tokens, room), temperature=temperature, eos_id=end, rng=self.rng
        )
        return self.messages(ids, length, steps, room)

    def messages(self, ids: list[int], length: int, steps: Iterator[Any], room: int) -> Iterator[dict[str, Any]]:
        streamer = TextStreamer(self.tokenizer)
        yield {
            "prompt": length,
            "tokens": [{"id": token, "token": self.label(token), "text": streamer.put(token)} for token in ids],
        }
        count, token = 0, None
        for text, step in streamed(self.tokenizer, ids, steps, self.tokenizer.eot):
            if step:
                count, token = count + 1, step.tokens[0]
                yield {"id": token, "token": self.label(token), "text": text}
        ended = token is not None and token == self.tokenizer.eot
        yield {"end": "finished" if ended else "context" if count == room else "length", "text": text}

    def open(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the model saw and weighed where a token was chosen: the likeliest tokens at a temperature (at 0, which draws
        nothing, as at 1), how likely the `chosen` one was, and the attention of the position that chose it, by block and
        head, over the `ids` before it."""
        ids, chosen = self.ids_in(body), entry(body, "chosen", int, BODY)
        steps = self.twin.stream(
            self.model,
            [ids],
            1,
            temperature=self.temperature_in(body),
            candidates=self.model.config.vocab_size,
            attention=True,
        )
        step = next(steps)
        ranked = step.candidates[0]
        rank = next((place for place, (token, _) in enumerate(ranked, start=1) if token == chosen), None)
        return {
            "candidates": [
                {"id": token, "token": self.label(token), "probability": chance} for token, chance in ranked[:SHOWN]
            ],
            "rank": rank,
            "probability": ranked[rank - 1][1] if rank else 0.0,
            "attention": np.round(to_numpy(step.attention)[:, 0].astype(np.float64), 4).tolist(),
        }

    def ids_in(self, body: dict[str, Any]) -> list[int]:
        ids, config = entry(body, "ids", list[int], BODY), self.model.config
        if not 1 <= len(ids) <= config.context_length or not all(0 <= token < config.vocab_size for token in ids):
            raise ValueError(
                f"ids are {len(ids)}; give 1 to {config.context_length} of them, each from 0 to {config.vocab_size - 1}."
            )
        return ids

    def temperature_in(self, body: dict[str, Any]) -> float:
        temperature = entry({"temperature": self.temperature} | body, "temperature", float, BODY)
        if not 0 <= temperature <= HOTTEST:
            raise ValueError(f"temperature is {temperature}; give a number from 0 to {HOTTEST}.")
        return temperature

    def label(self, token: int) -> str:
        try:
            return visible(self.tokenizer.decode_bytes([token]))
        except ValueError:  # the embedding has more rows than the tokenizer has tokens
            return f"#{token}"
