"""A finding in words: where the twins part, in whose code, and why."""

import math

from parity_tests.report.comparison import Finding

# The class and file behind the last name of a module's path.
CLASSES = {"": "GPTModel in model.py", "attn": "MultiHeadAttention in attention.py", "loss": "CrossEntropy in loss.py"}
CLASSES |= {"mlp": "FeedForward in block.py", "gelu": "GELU in layers.py"}
CLASSES |= dict.fromkeys(("wte", "wpe"), "Embedding in layers.py")
CLASSES |= dict.fromkeys(("c_attn", "c_fc", "c_proj", "lm_head"), "Linear in layers.py")
CLASSES |= dict.fromkeys(("ln_1", "ln_2", "ln_f"), "LayerNorm in layers.py")
CLASSES |= dict.fromkeys(("drop", "dropout", "attn_dropout", "resid_dropout"), "Dropout in layers.py")
# The functions that a check calls by themselves, by file.
ROOMS = {
    "functional.py": "softmax logsumexp layer_norm gelu",
    "attention.py": "hidden_keys split_heads merge_heads",
    "model.py": "GPTModel.initialize GPTModel.initialize_as_pytorch",
    "module.py": "Module.num_parameters Module.apply Module.eval Module.zero_grad",
    "optim.py": "AdamW AdamW.load_state_dict AdamW.zero_grad clip_grad_norm",
    "sampling.py": "probabilities keep_top_k keep_top_p draw penalize_repetition likeliest",
    "generate.py": "generate_text_simple generate stream attention_maps",
    "kv_cache.py": "KVCache.length KVCache.reset",
    "prompt_lookup.py": "guess lookup_passes",
    "perplexity.py": "token_losses perplexity",
    "train.py": "train train_step evaluate",
    "classifier.py": "add_class_head freeze_below_last_block predict_classes",
    "lora.py": "apply_lora load_lora_state_dict merged_state_dict merge_lora unmerge_lora",
    "weights.py": "save_gpt2 load_gpt2 load_lora load_run",
    "chunks.py": "chunks in_chunks in_chunks_of_rows",
    "distributed.py": "join MPIProcesses",
}
TEXT = {
    "simple.py": "split_words build_vocab SimpleTokenizerV1 SimpleTokenizerV2",
    "characters.py": "CharTokenizer",
    "tokenizer.py": "split_special look_up well_formed visible",
    "split.py": "split split_bytes",
    "bpe/training.py": "count_words learn_merges",
    "bpe/tokenizer.py": "join_pair merge_steps merge BytePairTokenizer",
    "bpe/long_words.py": "merge_long",
    "bpe/vocabulary.py": "to_printable from_printable gpt2_ids",
    "streamer.py": "TextStreamer",
    "windows.py": "TokenWindows split_tokens",
    "batches.py": "Batches split_examples",
    "prompts.py": "format_prompt",
    "instructions.py": "InstructionDataset",
    "labels.py": "balance LabelDataset labels_and_last",
}
FUNCTIONS = {name: file for file, names in ROOMS.items() for name in names.split()}
CLASSES_OF_TEXT = {name: f"text/{file}" for file, names in TEXT.items() for name in names.split()}


def describe(finding: Finding) -> str:
    """One line: where the twins part, and why if the kind of mistake is known. Below it the exception, if one was raised."""
    raised = finding.error.text if finding.error else ""
    if finding.parting is None:
        return f"{_place(finding, *finding.running)}: {raised}" if finding.running else f"{_check(finding)}{raised}"
    p = finding.parting
    line = f"{_place(finding, p.module, p.direction)}: {p.value} is the first to differ"
    if p.shown:
        line += f": {p.shown}"
    else:
        line += f", by {p.error:.1e} in {finding.precision}" if p.error < math.inf else f", in {finding.precision}"
    line += f"; likely {p.reason}." if p.reason else "."
    return f"{line}\nLater it raised, in {raised}" if raised else line


def _place(finding: Finding, module: str, direction: str) -> str:
    """The check, the module and its direction, and the class whose code that is."""
    owner = module.partition(".")[0]
    if room := FUNCTIONS.get(module) or FUNCTIONS.get(owner) or CLASSES_OF_TEXT.get(owner):
        return f"{module} ({room})"
    last = module.rpartition(".")[2]
    room = "TransformerBlock in block.py" if last.isdigit() else CLASSES.get(last, "your own")
    if finding.check == "LoRA" and last in ("c_attn", "c_fc", "c_proj"):
        room = "LoRALinear in lora.py"
    return f"{_check(finding)}{module or 'the model'}, {direction} ({room})"


def _check(finding: Finding) -> str:
    return "" if finding.check == "one pass" else f"With {finding.check}: "
