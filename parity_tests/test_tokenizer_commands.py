"""`tokenize` and `train-tokenizer`: what a person sees, what is written, and what is refused before any of it."""

import io
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import numpy_gpt
from parity_tests.texts import MIXED, SAMPLE, texts
from shared_gpt.commands.tokenize import Tokenize
from shared_gpt.commands.train_tokenizer import TrainTokenizer
from shared_gpt.text import BytePairTokenizer, CharTokenizer, SimpleTokenizerV1, load_tokenizer
from shared_gpt.text.show import html_page, labels, summary, terminal_lines


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def tokenizer():
    return BytePairTokenizer.train(MIXED, 600)


@given(text=texts, width=st.integers(20, 90), characters=st.booleans())
def test_every_id_stands_under_its_token(tokenizer, text, width, characters):
    if characters:  # whose ids are short, so that a character two columns wide is the wider of the two
        tokenizer = CharTokenizer(text + "日本語")
        text += "日本語"
    tokens = labels(tokenizer, tokenizer.encode(text))
    lines = terminal_lines(tokens, width)
    seen = []
    for upper, lower in zip(lines[::2], lines[1::2]):
        assert upper.cell_len == lower.cell_len
        cells = [
            (upper.plain[span.start : span.end], lower.plain[s.start : s.end])
            for span, s in zip(upper.spans, lower.spans)
        ]
        assert "".join(f"{token} " for token, _ in cells) == upper.plain
        assert all(cell_len(token) + 1 == cell_len(number) for token, number in cells)
        assert len(cells) == 1 or upper.cell_len - 1 <= width
        assert not any("⏎" in token for token, _ in cells[:-1])
        seen += [(token.rstrip(), int(number)) for token, number in cells]
    assert seen == tokens


@given(text=texts)
def test_the_page_shows_the_same_tokens(tokenizer, text):
    tokens = [("<b>&amp;", 7), *labels(tokenizer, tokenizer.encode(text))]

    class Cells(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.cells = [], []

        def handle_starttag(self, tag, attributes):
            self.open.append(tag)
            if tag in "bi":
                self.cells.append("")

        def handle_data(self, data):
            if self.open[-1:] in (["b"], ["i"]):
                self.cells[-1] += data

        def handle_endtag(self, tag):
            while self.open.pop() != tag:
                pass

    page = Cells()
    page.feed(html_page(tokens, "a <title>"))
    assert page.cells == [cell for token, i in tokens for cell in (token, str(i))]


def test_the_summary_counts():
    tokenizer = CharTokenizer("aé")
    assert summary(tokenizer, "é", [1]) == "1 token for 2 bytes, 2.00 bytes per token, from a vocabulary of 2"


def test_tokenize_prints_tokens_over_ids_and_the_merges(capsys):
    Tokenize("[b]The lamp", tokenizer="stories", explain=True).run(numpy_gpt)
    upper, lower, title, *table = capsys.readouterr().out.splitlines()
    ids = list(map(int, lower.split()))
    assert upper.split() == ["[", "b", "]", "The", "␣lamp"]
    assert title == f"5 tokens for 11 bytes, 2.20 bytes per token, from a vocabulary of {2048:,}"
    assert f"ids: ␣lamp = {ids[-1]}" in table
    assert any(line.endswith("The") for line in table)


def test_tokenize_reads_standard_input_and_takes_special_tokens(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("one<|endoftext|>"))
    Tokenize("-", tokenizer="stories", special=True).run(numpy_gpt)
    assert capsys.readouterr().out.splitlines()[0].split()[-1] == "<|endoftext|>"


def test_tokenize_writes_the_tree_and_the_page(tmp_path, capsys):
    Tokenize(" lamp", tokenizer="stories", tree=tmp_path / "tree.svg", html=tmp_path / "page.html").run(numpy_gpt)
    assert "<svg" in (tmp_path / "tree.svg").read_text(encoding="utf-8")
    assert "<b>␣lamp</b>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {tmp_path / 'page.html'}"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (Tokenize("", tokenizer="stories"), "text is empty; give at least one character"),
        (Tokenize("a", tokenizer="characters", explain=True), "characters joins no pairs"),
        (Tokenize("語", tokenizer="characters"), "'語'"),
        (Tokenize("a", tokenizer="none"), "'none' is neither"),
        (Tokenize("two words", tokenizer="stories", tree="x.png"), "explain takes one word"),
        (TrainTokenizer("stories", vocab_size=256), "take at least 257"),
        (TrainTokenizer("nowhere"), "'nowhere' is no file"),
        (TrainTokenizer(kind="characters"), "does not end in .json"),
    ],
)
def test_what_cannot_be_done_is_refused_with_nothing_written(command, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if isinstance(command, TrainTokenizer):
        command = TrainTokenizer(command.text, command.kind, command.vocab_size, out=tmp_path / "out")
    with pytest.raises((ValueError, FileNotFoundError), match=says):
        command.run(numpy_gpt)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_a_folder_that_is_not_there_is_named(tmp_path):
    nowhere = tmp_path / "none" / "file.json"
    commands = (
        Tokenize("a", "stories", html=nowhere),
        Tokenize("a", "stories", tree=nowhere),
        TrainTokenizer(out=nowhere),
    )
    for command in commands:
        with pytest.raises(FileNotFoundError, match=r"none does not exist; make it first"):
            command.run(numpy_gpt)


@pytest.mark.parametrize("name", ["tokenizer.json", "folder"])
def test_train_tokenizer_learns_what_train_does(name, tmp_path, capsys):
    TrainTokenizer("stories", vocab_size=500, out=tmp_path / name).run(numpy_gpt)
    assert load_tokenizer(tmp_path / name).to_dict() == BytePairTokenizer.train(SAMPLE, 500).to_dict()
    assert capsys.readouterr().out.startswith("Learnt 500 tokens from stories in ")


def test_train_tokenizer_says_when_the_text_is_used_up(tmp_path, capsys):
    (tmp_path / "text.txt").write_text("abab cd", encoding="utf-8")
    TrainTokenizer(str(tmp_path / "text.txt"), out=tmp_path / "out.json").run(numpy_gpt)
    assert "That is fewer than 2,048: no further pair occurs 2 times." in capsys.readouterr().out
    assert load_tokenizer(tmp_path / "out.json").n_vocab == 258


@pytest.mark.parametrize(("kind", "kind_class"), [("characters", CharTokenizer), ("simple-v1", SimpleTokenizerV1)])
def test_train_tokenizer_makes_the_other_kinds(kind, kind_class, tmp_path):
    TrainTokenizer("stories", kind=kind, out=tmp_path / "out.json").run(numpy_gpt)
    back = load_tokenizer(tmp_path / "out.json")
    assert type(back) is kind_class
    assert back.decode(back.encode("The lamp")) == "The lamp"
