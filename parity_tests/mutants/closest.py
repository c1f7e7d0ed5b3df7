"""Which test files judge a mutant of which file, the closest first."""

# Of every file: defaults, limits, rare inputs and wrong calls; quick.
EVERY = "small_changes wrong_calls parity_page"

CLOSEST: dict[str, str] = {
    "numpy_gpt/functional.py": "layers properties loss attention",
    "numpy_gpt/layers.py": "layers bookkeeping properties",
    "numpy_gpt/attention.py": "attention kv_cache generate properties",
    "numpy_gpt/block.py": "model_parity bookkeeping kv_cache",
    "numpy_gpt/model.py": "model_parity bookkeeping kv_cache generate",
    "numpy_gpt/loss.py": "loss bookkeeping train",
    "numpy_gpt/optim.py": "optim train resume",
    "numpy_gpt/module.py": "bookkeeping module_tree model_parity kv_cache",
    "numpy_gpt/kv_cache.py": "kv_cache generate attention",
    "numpy_gpt/lora.py": "lora bookkeeping",
    "numpy_gpt/classifier.py": "classifier",
    "numpy_gpt/sampling.py": "sampling generate",
    "numpy_gpt/generate.py": "generate kv_cache",
    "numpy_gpt/prompt_lookup.py": "prompt_lookup generate",
    "numpy_gpt/perplexity.py": "perplexity",
    "numpy_gpt/train.py": "train resume distributed",
    "numpy_gpt/weights.py": "checkpoints lora hub",
    "numpy_gpt/distributed.py": "distributed",
    "numpy_gpt/chunks.py": "layers loss threads",
    "numpy_gpt/shapes.py": "layers",
    "shared_gpt/text/batches.py": "windows labels instructions",
    "shared_gpt/text/characters.py": "simple_tokenizers",
    "shared_gpt/text/corpora.py": "corpora shipped_data",
    "shared_gpt/text/gpt2.py": "gpt2_tokenizer",
    "shared_gpt/text/instructions.py": "instructions",
    "shared_gpt/text/labels.py": "labels",
    "shared_gpt/text/prompts.py": "instructions generation_commands",
    "shared_gpt/text/show.py": "tokenizer_commands instructions windows",
    "shared_gpt/text/simple.py": "simple_tokenizers",
    "shared_gpt/text/split.py": "bpe gpt2_tokenizer",
    "shared_gpt/text/streamer.py": "streamer",
    "shared_gpt/text/token_file.py": "token_file",
    "shared_gpt/text/tokenizer.py": "simple_tokenizers bpe gpt2_tokenizer tokenizer_commands",
    "shared_gpt/text/tokenizer_files.py": "tokenizer_commands simple_tokenizers bpe converted",
    "shared_gpt/text/windows.py": "windows",
    "shared_gpt/text/bpe/explanation.py": "bpe tokenizer_commands",
    "shared_gpt/text/bpe/files.py": "bpe gpt2_tokenizer",
    "shared_gpt/text/bpe/huggingface.py": "converted",
    "shared_gpt/text/bpe/long_words.py": "bpe",
    "shared_gpt/text/bpe/merge_tree.py": "tokenizer_commands bpe",
    "shared_gpt/text/bpe/tokenizer.py": "bpe gpt2_tokenizer",
    "shared_gpt/text/bpe/training.py": "bpe",
    "shared_gpt/text/bpe/vocabulary.py": "bpe gpt2_tokenizer",
}
# The rest, for a mutant that the closest do not notice; the tests of whole runs and of other tools take too long.
REST = (
    "layers attention loss optim bookkeeping properties model_parity kv_cache lora classifier sampling generate perplexity "
    "train numbers windows instructions labels simple_tokenizers bpe streamer token_file corpora "
    "checkpoints converted finetuning tokenizer_commands generation_commands run_files save_folder threads"
)


def files() -> list[str]:
    """The files that are changed."""
    return list(CLOSEST)


def closest(file: str) -> list[str]:
    return [f"test_{name}" for name in dict.fromkeys([*EVERY.split(), *CLOSEST[file].split()])]


def rest(file: str) -> list[str]:
    first = closest(file)
    return [name for name in (f"test_{name}" for name in REST.split()) if name not in first]
