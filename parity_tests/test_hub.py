"""GPT-2 by name, without a network: a server on this machine stands for the hub's and for OpenAI's; else one clear error.

The hub's library reads where its server and its cache are when it is imported, so each test asks a process of its own.
"""

import hashlib
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig, weights
from torch_gpt import weights as torch_weights

TINY = GPTConfig(vocab_size=3, context_length=2, emb_dim=4, n_heads=2, n_layers=1)
COMMIT = "0123456789" * 4
LOAD = """
import sys
from shared_gpt.checkpoints import hub
hub.OPENAI_MODELS = sys.argv[1]
if sys.argv[2] == "without hub":
    sys.modules["huggingface_hub"] = None
from numpy_gpt.weights import load_gpt2
try:
    model = load_gpt2("gpt2")
    print("loaded", model.config.emb_dim, model.wte.weight.data.tobytes().hex())
except OSError as error:
    print("refused", error)
"""


@pytest.fixture
def server(tmp_path):
    """Serves tmp_path/served under any address that ends in a file's name, and remembers what was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def respond(self, body: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            file = tmp_path / "served" / Path(self.path).name
            if not file.is_file():
                self.send_error(404)
                return
            data = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def do_HEAD(self):
            self.respond(False)

        def do_GET(self):
            self.respond(True)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked = asked
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


def ask(tmp_path: Path, server, hub: str = "with hub", **env: str) -> str:
    """What a process prints that loads "gpt2"; its caches are in tmp_path, its servers the one given."""
    places = {"HF_HOME": str(tmp_path / "hf"), "NUMPY_GPT_CACHE": str(tmp_path / "cache"), "HF_ENDPOINT": server.url}
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        **places,
        **env,
    }
    argv = [sys.executable, "-c", LOAD, f"{server.url}/openai", hub]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tiny_model(folder: Path, layout: str) -> str:
    """Save one; what a process prints that has loaded it."""
    model = numpy_gpt.GPTModel(TINY)
    weights.save_gpt2(model, folder, layout)
    return f"loaded 4 {model.wte.weight.data.tobytes().hex()}"


def test_downloaded_once_from_the_hub_into_its_own_cache(tmp_path, server):
    expected = tiny_model(tmp_path / "served", "huggingface")
    assert ask(tmp_path, server) == expected
    assert any("/openai-community/gpt2/resolve/main/model.safetensors" in line for line in server.asked)
    assert list((tmp_path / "hf").rglob(f"models--openai-community--gpt2/snapshots/{COMMIT}/model.safetensors"))
    server.asked.clear()
    assert ask(tmp_path, server) == expected
    assert ask(tmp_path, server, HF_HUB_OFFLINE="1") == expected
    assert server.asked == []


def test_an_older_cache_with_the_old_name_and_a_pickle_is_found(tmp_path, server):
    import torch
    from safetensors.torch import load_file

    snapshot = tmp_path / "hf" / "hub" / "models--gpt2" / "snapshots" / COMMIT
    expected = tiny_model(snapshot, "huggingface")
    torch.save(load_file(snapshot / "model.safetensors"), snapshot / "pytorch_model.bin")
    (snapshot / "model.safetensors").unlink()
    refs = tmp_path / "hf" / "hub" / "models--gpt2" / "refs"
    refs.mkdir()
    (refs / "main").write_text(COMMIT, encoding="utf-8")
    assert ask(tmp_path, server, HF_HUB_OFFLINE="1") == expected


def test_without_the_hubs_library_openais_files_are_downloaded(tmp_path, server):
    expected = tiny_model(tmp_path / "served", "openai")
    for name in ("encoder.json", "vocab.bpe"):
        (tmp_path / "served" / name).write_bytes(b"{}")
    assert ask(tmp_path, server, "without hub") == expected
    assert "GET /openai/124M/model.ckpt.index" in server.asked
    server.asked.clear()
    assert ask(tmp_path, server, "without hub") == expected
    assert server.asked == []


def test_files_laid_by_hand_come_first(tmp_path, server):
    tiny_model(tmp_path / "served", "huggingface")
    by_hand = tiny_model(tmp_path / "cache" / "gpt2", "openai")
    assert ask(tmp_path, server) == by_hand
    assert server.asked == []


def test_a_download_that_broke_off_is_not_taken_for_a_model(tmp_path, server):
    """The index comes last: a folder without it is completed."""
    expected = tiny_model(tmp_path / "served", "openai")
    for name in ("encoder.json", "vocab.bpe"):
        (tmp_path / "served" / name).write_bytes(b"{}")
    for missing in ("model.ckpt.data-00000-of-00001", "model.ckpt.index"):
        data = (tmp_path / "served" / missing).read_bytes()
        (tmp_path / "served" / missing).unlink()
        assert f"OpenAI's server: {missing}: HTTP 404" in ask(tmp_path, server, "without hub")
        (tmp_path / "served" / missing).write_bytes(data)
    assert ask(tmp_path, server, "without hub") == expected


@pytest.mark.parametrize("hub", ["with hub", "without hub"])
def test_offline_one_error_names_the_places_to_lay_files(tmp_path, server, hub):
    answer = ask(tmp_path, server, hub, HF_HUB_OFFLINE="1")
    assert answer.startswith("refused gpt2 is not on this machine and could not be downloaded (Hugging Face's hub: ")
    assert answer.count("\n") == 0
    assert ("pip install 'numpy-gpt[hub]'" in answer) == (hub == "without hub")
    assert "OpenAI's server: HF_HUB_OFFLINE forbids downloads" in answer
    assert f"by hand in {tmp_path / 'cache' / 'gpt2'}, or give the path of a folder" in answer
    assert len(re.findall(r"\. (?=[A-Z])|\.$", answer)) == 2  # sentences
    assert len(answer.replace(str(tmp_path), "")) < 500
    assert "config.json and model.safetensors from huggingface.co/openai-community/gpt2" in answer
    assert server.asked == []


def test_without_a_network_it_is_said_soon(tmp_path, server):
    """Nobody listens at port 9: two short retries at each place, where the hub's library alone would take 24 s."""
    server.url = "http://127.0.0.1:9"
    started = time.monotonic()
    answer = ask(tmp_path, server)
    assert time.monotonic() - started < 12  # most of it the imports
    assert answer.startswith(
        "refused gpt2 is not on this machine and could not be downloaded (Hugging Face's hub: [Errno "
    )
    assert len(re.findall(r"\. (?=[A-Z])|\.$", answer)) == 2
    assert len(answer.replace(str(tmp_path), "")) < 500
    assert "\n" not in answer


def test_what_the_servers_lack_is_said(tmp_path, server):
    (tmp_path / "served").mkdir()
    answer = ask(tmp_path, server)
    assert answer.startswith("refused gpt2 is not on this machine")
    assert "404" in answer


# GPT-2 itself, where it is.


def real_weights() -> str | None:
    """GPT2_DIR, or gpt2 in the hub's cache, as long as it is there without a download."""
    if folder := os.environ.get("GPT2_DIR"):
        return folder
    from huggingface_hub import try_to_load_from_cache

    for repository in ("openai-community/gpt2", "gpt2"):
        found = [try_to_load_from_cache(repository, file) for file in ("config.json", "model.safetensors")]
        if all(isinstance(path, str) for path in found):
            return found[1]
    return None


@pytest.mark.gpt2
@pytest.mark.parametrize(
    ("prompt", "tokens", "continuation"),
    [
        (
            "The dog",
            20,
            " was found in a field near the intersection of West and West Streets.\n\nThe dog",
        ),
        (
            "Alan Turing theorized that computers would one day become",
            40,
            " the most powerful machines on the planet.\n\nThe computer is a machine that can perform complex calculations, "
            "and it can perform these calculations in a way that is very similar to the human brain.",
        ),
    ],
)
def test_the_real_gpt2_continues_as_published(prompt, tokens, continuation):
    """Greedy continuations of the 124M model."""
    if (source := real_weights()) is None:
        pytest.skip("GPT-2's real weights are not on this machine: set GPT2_DIR to a folder that holds them")
    from shared_gpt.text.gpt2 import find_gpt2, gpt2_tokenizer

    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    try:
        tokenizer = gpt2_tokenizer(folder if find_gpt2(folder) else None)
    except FileNotFoundError as error:
        pytest.skip(f"GPT-2's vocabulary is not on this machine: {error}")
    ids = tokenizer.encode(prompt)
    for load, generate in ((weights.load_gpt2, numpy_gpt.generate), (torch_weights.load_gpt2, torch_gpt.generate)):
        (row,) = generate(load(source), [ids], tokens)
        assert tokenizer.decode(row[len(ids) :]).startswith(continuation)
