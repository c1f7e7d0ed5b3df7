"""The planted mistakes, data alone: a file for each room of numpy_gpt. To add one, append to the MISTAKES of its room."""

from parity_tests.mistakes.planted import (
    attention,
    block,
    functional,
    kv_cache,
    layers,
    lora,
    loss,
    model,
    module,
    optim,
)

ROOMS = (functional, layers, attention, block, model, loss, optim, module, kv_cache, lora)
MISTAKES = [mistake for room in ROOMS for mistake in room.MISTAKES]
