"""numpy_gpt works and trains where no framework can be imported, no twin loads the other, and what needs PyTorch says so; each
test in a fresh interpreter."""

import subprocess
import sys
import textwrap

import pytest

FRAMEWORKS = ("torch", "tensorflow", "keras", "transformers", "jax", "torch_gpt", "tensorflow_gpt")
FOR_COMMANDS = ("matplotlib", "rich", "tyro", "tiktoken", "huggingface_hub")


def run_python(code: str) -> str:
    """What the code prints in an interpreter of its own. If it fails, the assertion shows its error."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without(*modules: str) -> str:
    """Code after which these cannot be imported. (A name whose module is None would do, but tyro imports torch where
    sys.modules has its name.)"""
    return textwrap.dedent(f"""
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name in {modules!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Absent())
    """)


def test_numpy_gpt_trains_without_any_framework():
    run_python(
        without(*FRAMEWORKS)
        + textwrap.dedent("""
            import numpy as np
            import numpy_gpt
            try:
                import torch
            except ImportError:
                pass
            else:
                raise AssertionError("the test itself does not work: torch can be imported")
            config = numpy_gpt.GPTConfig(vocab_size=11, context_length=8, emb_dim=12, n_heads=3, n_layers=2)
            model = numpy_gpt.GPTModel(config)
            criterion, optimizer = numpy_gpt.CrossEntropy(), numpy_gpt.AdamW(model.parameters(), lr=0.01)
            ids = np.arange(24).reshape(3, 8) % 11
            losses = []
            for _ in range(10):
                losses.append(criterion(model(ids), (ids + 1) % 11))
                optimizer.zero_grad()
                model.backward(criterion.backward())
                numpy_gpt.clip_grad_norm(model.parameters(), 1.0)
                optimizer.step()
            assert losses[-1] < losses[0] - 0.3, losses
            numpy_gpt.generate_text_simple(model.eval(), ids[:, :2], 3, 8)
        """)
    )


@pytest.mark.parametrize(
    ("package", "absent", "some"),
    [
        ("numpy_gpt", FRAMEWORKS, {"numpy_gpt.model", "numpy_gpt.distributed"}),
        ("shared_gpt", (*FRAMEWORKS, "numpy_gpt"), {"shared_gpt.cli", "shared_gpt.text.bpe.tokenizer"}),
        ("torch_gpt", ("tensorflow", "transformers", "jax", "numpy_gpt"), {"torch_gpt.model", "torch_gpt.distributed"}),
    ],
)
def test_every_module_of_a_package_can_be_imported_without_the_others(package, absent, some):
    names = run_python(
        without(*absent)
        + textwrap.dedent(f"""
            import importlib, pkgutil, {package}
            for module in pkgutil.walk_packages({package}.__path__, "{package}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)
                    print(module.name)
        """)
    ).split()
    assert some <= set(names)


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("numpy_gpt", [*FRAMEWORKS, *FOR_COMMANDS]),
        ("torch_gpt", ["numpy_gpt", "tensorflow", "tensorflow_gpt", "transformers", "jax", *FOR_COMMANDS]),
        ("shared_gpt", [*FRAMEWORKS, "numpy_gpt", *FOR_COMMANDS]),
    ],
)
def test_importing_a_package_loads_only_what_it_needs(package, absent):
    """No twin loads the other; what commands and pictures need is imported when they run, so that imports stay fast."""
    loaded = set(run_python(f"import sys, {package}; print(*sys.modules)").split())
    assert package in loaded
    assert not loaded & set(absent)


@pytest.mark.parametrize(
    ("entry", "typed"),
    [("shared_gpt.cli import torch_command", ["anatomy"]), ("parity_tests.__main__ import main", [])],
)
def test_without_pytorch_one_line_says_what_to_install(entry, typed):
    run_python(
        without("torch")
        + textwrap.dedent(f"""
            import contextlib, io
            from {entry} as main
            sys.argv[1:] = {typed}
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                assert main() == 2
            assert said.getvalue().count("\\n") == 1, said.getvalue()
            assert "pip install 'numpy-gpt[torch]'" in said.getvalue()
        """)
    )


def test_help_needs_no_pytorch():
    code = without("torch", "numpy") + textwrap.dedent("""
        from shared_gpt.cli import torch_command
        sys.argv[1:] = ["anatomy", "--help"]
        torch_command()
    """)
    assert run_python(code).startswith("usage: torch-gpt anatomy")
