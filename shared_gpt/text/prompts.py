"""Prompt styles: how a request is laid out, for training and for asking alike."""

Entry = dict[str, str]  # instruction, input (may be empty or absent), output


def _alpaca(entry: Entry) -> str:
    """The layout of Stanford Alpaca (Taori et al. 2023), as in Raschka, Build a Large Language Model, ch. 7."""
    blocks = [
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
        f"### Instruction:\n{entry['instruction']}",
        f"### Input:\n{entry['input']}" if entry.get("input") else None,
        "### Response:\n",
    ]
    return "\n\n".join(filter(None, blocks))


def _phi3(entry: Entry) -> str:
    """The chat template of Phi-3 (Microsoft, model card of Phi-3-mini-4k-instruct), the input below the request."""
    return f"<|user|>\n{_request(entry)}<|end|>\n<|assistant|>\n"


def _qa(entry: Entry) -> str:
    """Q and A, as GPT-3 was asked (Brown et al. 2020, appendix G): little markup, for vocabularies without tokens for it."""
    return f"Q: {_request(entry)}\nA:\n"


def _request(entry: Entry) -> str:
    return entry["instruction"] + (f"\n{entry['input']}" if entry.get("input") else "")


PROMPT_STYLES = {"alpaca": _alpaca, "phi3": _phi3, "qa": _qa}


def format_prompt(entry: Entry, style: str = "alpaca") -> str:
    """Everything that stands before the answer, so that the answer is what comes next."""
    if style not in PROMPT_STYLES:
        raise ValueError(f"There is no prompt style {style!r}; choose one of {', '.join(PROMPT_STYLES)}.")
    return PROMPT_STYLES[style](entry)
