"""TextStreamer: text as it is generated, token by token, and never half a character."""

import codecs

from shared_gpt.text.tokenizer import Tokenizer


class TextStreamer:
    """Tokens in, text out as soon as it is certain: `put` returns what can be shown, `end` what is left.

    A token may hold only part of a character (GPT-2 needs several for most emoji); its bytes then wait for the rest. All
    pieces together are what `tokenizer.decode` gives for all the ids, with U+FFFD for bytes that are not UTF-8.

    prompt: the ids before the first that is put. They are not shown, but a word tokenizer places its spaces by them.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: list[int] | tuple[int, ...] = ()):
        self.tokenizer = tokenizer
        self.before = list(prompt[-1:])
        self.characters = codecs.getincrementaldecoder("utf-8")("replace")

    def put(self, token: int) -> str:
        """The text that this token completes; "" while a character waits for its last byte."""
        already = len(self.tokenizer.decode_bytes(self.before))
        new_bytes = self.tokenizer.decode_bytes([*self.before, token])[already:]
        self.before = [token]
        return self.characters.decode(new_bytes)

    def end(self) -> str:
        """What was still waiting, as U+FFFD. Afterwards the streamer can be used again."""
        self.before = []
        return self.characters.decode(b"", final=True)
