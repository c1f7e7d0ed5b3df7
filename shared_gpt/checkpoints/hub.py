"""GPT-2 by name: from a folder filled by hand, Hugging Face's hub and its cache, or OpenAI's server."""

import os
from pathlib import Path

from shared_gpt.checkpoints.folder import candidates, weights_in
from shared_gpt.checkpoints.stored import CheckpointError

NAMES = {"gpt2": "124M", "gpt2-medium": "355M", "gpt2-large": "774M", "gpt2-xl": "1558M"}  # -> OpenAI's folder
OPENAI_MODELS = "https://openaipublic.blob.core.windows.net/gpt-2/models"
OPENAI_FILES = ("model.ckpt.data-00000-of-00001", "hparams.json", "encoder.json", "vocab.bpe", "model.ckpt.index")


def find_by_name(name: str) -> Path:
    """The file with the weights of one of NAMES, downloaded if it is not on this machine yet.

    The places, in this order: a folder of that name in this project's cache, where files can be put by hand; the hub's
    cache; the hub; OpenAI's server. Where none has it, an OSError names them all.
    """
    from shared_gpt.downloads import cache_folder

    folder = cache_folder() / name
    if folder.is_dir() and candidates(folder):
        return weights_in(folder)
    places = {"Hugging Face's hub": lambda: find_on_hub(name), "OpenAI's server": lambda: fetch_openai(name, folder)}
    failures = []
    for place, find in places.items():
        try:
            return find()
        except (CheckpointError, KeyboardInterrupt):
            raise
        except Exception as error:  # the hub's library and the HTTP library below it raise many kinds
            reason = getattr(error, "reason", "") or (str(error).strip().splitlines() or [type(error).__name__])[0]
            failures.append(f"{place}: {str(reason)[:100]}")
    raise OSError(
        f"{name} is not on this machine and could not be downloaded ({'; '.join(failures)}). Lay config.json and "
        f"model.safetensors from huggingface.co/openai-community/{name} by hand in {folder}, or give the path of a folder that "
        "holds them."
    )


def find_on_hub(name: str) -> Path:
    """model.safetensors (or an older pytorch_model.bin) in the hub's cache, or downloaded into it, with a progress bar."""
    from shared_gpt.downloads import why_unreachable

    try:
        from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    except ImportError as error:
        raise ImportError("huggingface_hub is not installed: pip install 'numpy-gpt[hub]'") from error
    for repository in (f"openai-community/{name}", name):  # the second is its name before 2024
        for weights in ("model.safetensors", "pytorch_model.bin"):
            found = [try_to_load_from_cache(repository, file) for file in ("config.json", weights)]
            if all(isinstance(path, str) for path in found):
                return Path(found[1])
    if not constants.HF_HUB_OFFLINE and (failure := why_unreachable(constants.ENDPOINT)):
        raise OSError(failure)  # the hub's library would go on trying for half a minute
    hf_hub_download(f"openai-community/{name}", "config.json")
    return Path(hf_hub_download(f"openai-community/{name}", "model.safetensors"))


def fetch_openai(name: str, folder: Path) -> Path:
    """OpenAI's original files, downloaded into the folder. They hold checksums, which are checked when they are read."""
    from shared_gpt.downloads import fetch

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise OSError("HF_HUB_OFFLINE forbids downloads")
    for file in OPENAI_FILES:  # the index last: a folder without it counts as empty, and is completed next time
        fetch(file, [f"{OPENAI_MODELS}/{NAMES[name]}/{file}"], None, folder)
    return folder / "model.ckpt"
