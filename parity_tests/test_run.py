"""run.py: a set-up that was interrupted is made anew; the installation shows what it does."""

import subprocess
import venv

import pytest

import run


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "PYTHON", tmp_path / ".venv" / run.PYTHON.relative_to(run.ROOT / ".venv"))
    return tmp_path


def test_a_venv_without_pip_is_made_anew(place, monkeypatch, capsys):
    """Where Ctrl-C came between the two steps of venv: Python is there, pip is not."""
    venv.create(run.VENV, with_pip=False)
    (run.VENV / "left").touch()
    asked = []
    monkeypatch.setattr(venv, "create", lambda *args, **options: asked.append((args, options)))
    run.make_venv()
    assert asked == [((run.VENV,), {"with_pip": True, "clear": True})]
    assert ".venv has no pip: its set-up was interrupted. Making it anew ..." in capsys.readouterr().out


def test_a_whole_venv_stays(place, monkeypatch):
    run.PYTHON.parent.mkdir(parents=True)
    run.PYTHON.touch()
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: subprocess.CompletedProcess(args, 0))
    monkeypatch.setattr(venv, "create", None)
    run.make_venv()


def test_the_installation_shows_its_progress_and_size(place, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(run, "make_venv", lambda: run.VENV.mkdir())
    monkeypatch.setattr(subprocess, "run", lambda command, **options: asked.append(command))
    run.install("test", "3.5 GB")
    run.install("test", "3.5 GB")
    assert len(asked) == 1
    assert "--quiet" not in asked[0]
    assert "about 3.5 GB" in capsys.readouterr().out


def test_the_readme_names_python_as_windows_does():
    text = (run.ROOT / "README.md").read_text(encoding="utf-8")
    assert "`py run.py demo` (Windows)" in text
    assert "\npython run.py demo" in text
