"""A save into a folder is whole or absent: two processes that save there at once, and one that is killed at any point."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

import numpy_gpt
from numpy_gpt import GPTConfig
from shared_gpt.checkpoints import CheckpointError, save_folder

SIZES = {"context_length": 2, "n_layers": 1, "vocab_size": 3, "emb_dim": 4}
LAYOUTS = ("huggingface", "openai")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def model(number: int) -> numpy_gpt.GPTModel:
    """Two models of one shape, which only their config tells apart: all weights are the number of the heads."""
    made = numpy_gpt.GPTModel(GPTConfig(**SIZES, n_heads=number))
    for parameter in made.parameters():
        parameter.data[...] = number
    return made


def model_in(folder: Path) -> int:
    """The number of the model in a folder. Fails where two are mixed."""
    loaded = numpy_gpt.load_gpt2(folder)
    numbers = {float(number) for parameter in loaded.parameters() for number in np.unique(parameter.data)}
    assert numbers == {loaded.config.n_heads}
    return loaded.config.n_heads


@pytest.fixture(params=["exchange", "in turn"])
def way(request, monkeypatch):
    """How the files take their places: at once, or one by one as where the system cannot do that."""
    if request.param == "in turn":
        monkeypatch.setattr(save_folder, "exchange_with", lambda *paths: False)
    return request.param


def in_child(work) -> int:
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BlockingIOError:
            os._exit(1)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(2)
    return child


@forks
@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_processes_in_one_folder(tmp_path, layout, way):
    """Every save is whole, or refused because another one is under way; none is refused for ever."""
    saved = 0
    for _ in range(20):
        children = [in_child(lambda n=n: numpy_gpt.save_gpt2(model(n), tmp_path, layout)) for n in (1, 2)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert set(codes) <= {0, 1}
        saved += codes.count(0)
        assert model_in(tmp_path) in (1, 2)
        assert len(list(tmp_path.iterdir())) == {"huggingface": 2, "openai": 4}[layout]
    assert saved >= 20


class Killed(BaseException):
    """What stands for a kill here: nothing catches it, and nothing tidies up after it."""


@forks
@pytest.mark.parametrize("layout", LAYOUTS)
def test_killed_before_every_change_of_the_disk(tmp_path, layout, way):
    """A process that dies before its 1st, 2nd, 3rd … call that changes a file leaves the old model, the new one, or in turn
    a folder that is refused. The next save goes through."""
    calls = ("replace", "rename", "unlink", "link", "mkdir", "rmdir", "fsync")

    def die_at(number: int) -> None:
        count = 0

        def counted(real):
            def call(*args, **kwargs):
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args, **kwargs)

            return call

        for name in calls:
            setattr(os, name, counted(getattr(os, name)))
        save_folder.exchange = counted(save_folder.exchange)
        numpy_gpt.save_gpt2(model(2), tmp_path / "model", layout)

    found = []
    for number in range(1, 99):
        numpy_gpt.save_gpt2(model(1), tmp_path / "model", layout)
        (tmp_path / "model" / "notes.txt").write_text("mine", encoding="utf-8")
        assert model_in(tmp_path / "model") == 1
        code = os.waitstatus_to_exitcode(os.waitpid(in_child(lambda number=number: die_at(number)), 0)[1])
        try:
            found.append(model_in(tmp_path / "model"))
        except (CheckpointError, FileNotFoundError):
            assert way == "in turn"
        assert (tmp_path / "model" / "notes.txt").read_text(encoding="utf-8") == "mine"
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0
    assert found == sorted(found)
    assert set(found) == {1, 2}
    assert number > 8
    assert [path.name for path in tmp_path.iterdir()] == ["model"]  # what the killed ones left is gone


@forks
def test_one_that_saves_keeps_others_out(tmp_path):
    with save_folder.files_together(tmp_path) as create:
        with create("a") as file:
            file.write(b"1")
        child = in_child(lambda: numpy_gpt.save_gpt2(model(1), tmp_path))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_other_files_stay_and_a_folder_with_folders_is_not_exchanged(tmp_path, monkeypatch):
    (tmp_path / "vocab.json").write_text("{}", encoding="utf-8")
    numpy_gpt.save_gpt2(model(1), tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["config.json", "model.safetensors", "vocab.json"]
    number = os.stat(tmp_path).st_ino
    (tmp_path / ".git").mkdir()
    numpy_gpt.save_gpt2(model(2), tmp_path)
    assert model_in(tmp_path) == 2
    (tmp_path / ".git").rmdir()
    monkeypatch.chdir(tmp_path)  # a shell that stands in the folder must not find itself elsewhere
    numpy_gpt.save_gpt2(model(1), ".")
    assert os.stat(tmp_path).st_ino == number
    assert model_in(tmp_path) == 1


def test_a_config_of_other_weights_is_refused(tmp_path):
    for number in (1, 2):
        numpy_gpt.save_gpt2(model(number), tmp_path / str(number))
    (tmp_path / "1" / "config.json").write_bytes((tmp_path / "2" / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"config\.json was saved with other weights .* model\.safetensors"):
        numpy_gpt.load_gpt2(tmp_path / "1")
    # What transformers saved anew holds no checksum, and keeps the config's unknown keys.
    from safetensors.numpy import load_file, save_file

    save_file(load_file(tmp_path / "2" / "model.safetensors"), tmp_path / "1" / "model.safetensors")
    assert model_in(tmp_path / "1") == 2


def test_an_edited_config_is_the_users_own(tmp_path):
    numpy_gpt.save_gpt2(model(1), tmp_path)
    stated = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(stated | {"resid_pdrop": 0.3}), encoding="utf-8")
    assert numpy_gpt.load_gpt2(tmp_path).config.drop_rate == 0.3


def test_the_folder_of_a_failed_save_is_as_it_was(tmp_path, way, monkeypatch):
    numpy_gpt.save_gpt2(model(1), tmp_path)

    def write_half():
        with save_folder.files_together(tmp_path) as create, create("model.safetensors") as file:
            file.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_half()
    assert model_in(tmp_path) == 1
    real = os.replace
    monkeypatch.setattr(save_folder, "exchange_with", lambda *paths: False)

    def refuse(source, target):
        if Path(target).suffix == ".safetensors":  # as Windows does while another program has the file open
            raise PermissionError(13, "in use", str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError, match="in use"):
        numpy_gpt.save_gpt2(model(2), tmp_path)
    assert model_in(tmp_path) == 1
    assert sorted(os.listdir(tmp_path)) == ["config.json", "model.safetensors"]
