"""The models that ship: named everywhere, small, equal in both twins, and made of what they say they are made of."""

import json
from random import Random

import numpy as np
import pytest
import torch

import numpy_gpt
import torch_gpt
from shared_gpt.checkpoints import open_checkpoint, shipped
from shared_gpt.cli import main
from shared_gpt.commands.loading import load_classifier, load_model, task_folder
from shared_gpt.text.instructions import CLOSED_CATEGORIES
from shared_gpt.training.run_folder import RunFolder
from village import models
from village.as_typed import bare
from village.further_statements import ABOUT_WORDS
from village.held_out import cases_left_out
from village.instructions import read_facts
from village.language import word_cases
from village.lessons import SEED, asked_cases, held_out, make_lessons
from village.measures import came_near, read_as_people_ask, shares
from village.model_cards import model_card
from village.reading import make_reading
from village.recitation import recitations
from village.textbook import STATEMENTS, told
from village.wordings import read_wordings

BASE, CHAT, SPAM = shipped.NAMES
WRITERS = (BASE, CHAT)
IDS = np.array([[5, 99, 412, 7, 300]])


def origin(name: str) -> dict:
    return json.loads((shipped.FOLDER / name / models.ORIGIN).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lessons():
    return make_lessons()


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with the texts that the recipes train on."""
    folder = tmp_path_factory.mktemp("models")
    models.write_texts(folder)
    return folder


# --- what they were made of -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped.NAMES)
def test_training_begins_as_the_shipped_file_says(name, work):
    """Data, tokenizer and settings have the fingerprints that the file names, and the first steps the losses."""
    kept = origin(name)
    command = models.first_steps(name, work, shipped.FOLDER)
    command.run(numpy_gpt)
    whole = models.recipes(work, shipped.FOLDER)[name]
    assert models.fingerprints(name, whole) == {key: kept[key] for key in ("data", "tokenizer", "settings")}
    losses = [row["loss"] for row in RunFolder(command.out).rows() if row["step"]]
    np.testing.assert_allclose(losses, kept["first_losses"], rtol=1e-4)


@pytest.mark.parametrize("name", shipped.NAMES)
def test_the_card_says_what_the_origin_says(name):
    assert (shipped.FOLDER / name / "README.md").read_text(encoding="utf-8") == model_card(name, origin(name))


def test_the_chat_model_answers_people_as_often_as_its_card_says():
    right, of = shares(numpy_gpt, *load_model(numpy_gpt, CHAT), models.STYLE, ("as people ask",))["as people ask"]
    stated, of_stated = origin(CHAT)["figures"]["as people ask"]
    assert of == of_stated == 60
    assert abs(right - stated) <= 1  # another processor may round two near ties the other way


def test_no_held_out_question_is_among_the_lessons(lessons):
    learnt = {bare(entry) for entry in [*lessons, *recitations()]}
    for measure, entries in held_out().items():
        assert not learnt & {bare(entry) for entry in entries}, measure
    typed = {bare({"instruction": question}) for question, _ in read_as_people_ask()}
    assert len(typed) == 60
    assert not learnt & typed


def test_what_training_came_near_is_a_small_part():
    """The measures without it are those of the last column in docs/models.md."""
    near = came_near()
    counts = {
        measure: sum(entry["category"] in CLOSED_CATEGORIES and bare(entry) in near for entry in entries)
        for measure, entries in held_out().items()
    }
    assert counts == {"questions": 127, "words": 68, "wordings": 21}
    assert bare({"instruction": "Write 68 in words."}) in near


def test_no_held_out_wording_is_trained():
    for topic, (trained, held) in read_wordings().items():
        assert held, topic
        assert not {words(each) for each in trained} & {words(each) for each in held}, topic


def words(wording: str) -> str:
    return bare({"instruction": wording.replace("{", " ").replace("}", " ")})


def test_no_lesson_asks_of_a_word_that_was_left_out():
    asked = asked_cases(Random(SEED))
    for category, cases in cases_left_out().items():
        assert cases, category
        assert not set(cases) & set(asked[category]), category


def test_a_recitation_is_asked_for_by_its_topic_and_no_word():
    """So it is no question about a word that was left out."""
    requests = {entry["instruction"] for entry in recitations()}
    topics = {f"Tell me a sentence about {topic}." for topic in word_cases()}
    stories = {f"Tell me something from the story '{title}'." for title, *_ in read_facts()}
    assert requests == topics | stories
    assert not any(entry["input"] for entry in recitations())


def test_every_word_that_was_left_out_is_read_and_recited(lessons):
    """In each of twelve wordings, and in each of them the answer stands beside it."""
    read, told_aloud = make_reading(lessons), [entry["output"] for entry in recitations()]
    for topic, cases in cases_left_out().items():
        for case in cases:
            statements = told([*STATEMENTS[topic], *ABOUT_WORDS[topic]], [case])
            assert len(statements) == 12
            assert all(statement in read and statement in told_aloud for statement in statements), case


# --- what ships -------------------------------------------------------------------------------------------------------


def test_together_they_take_less_than_six_megabytes():
    assert models.packed_bytes(shipped.FOLDER) < 6_000_000


def test_on_the_disk_they_are_float16_in_memory_float32():
    with open_checkpoint(BASE) as checkpoint:
        assert {tensor.dtype for tensor in checkpoint.tensors.values()} == {"float16"}
    for twin in (numpy_gpt, torch_gpt):
        assert {str(array.dtype).removeprefix("torch.") for array in twin.load_gpt2(CHAT).state_dict().values()} == {
            "float32"
        }


@pytest.mark.parametrize("name", WRITERS)
def test_both_twins_load_the_same_model(name):
    ours = numpy_gpt.load_gpt2(name, numpy_gpt.float64)(IDS)
    theirs = torch_gpt.load_gpt2(name, torch_gpt.float64)(torch.tensor(IDS)).detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def test_the_chat_model_is_the_base_with_its_branches_merged():
    model = numpy_gpt.load_gpt2(BASE)
    numpy_gpt.load_lora(model, shipped.FOLDER / CHAT)
    numpy_gpt.merge_lora(model)
    np.testing.assert_allclose(numpy_gpt.load_gpt2(CHAT)(IDS), model(IDS), rtol=1e-5, atol=1e-5)
    assert np.abs(numpy_gpt.load_gpt2(BASE)(IDS) - model(IDS)).max() > 0.1


def test_transformers_and_peft_load_base_and_adapter_as_they_ship():
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    theirs = transformers.GPT2LMHeadModel.from_pretrained(shipped.FOLDER / BASE, torch_dtype=torch.float32)
    theirs = peft.PeftModel.from_pretrained(theirs, shipped.FOLDER / CHAT).eval()
    with torch.no_grad():
        logits = theirs(torch.tensor(IDS)).logits.numpy()
    np.testing.assert_allclose(numpy_gpt.load_gpt2(CHAT)(IDS), logits, rtol=1e-3, atol=1e-3)


def test_both_twins_sort_alike():
    scores = []
    for twin, tensor in ((numpy_gpt, np.array), (torch_gpt, torch.tensor)):
        model, tokenizer, classes = load_classifier(twin, task_folder(SPAM))
        ids = tokenizer.encode("Claim your free prize now, call 0900 1234")
        scores.append(np.asarray(twin.predict_classes(model, tensor([ids]), np.array([len(ids) - 1]))))
    assert classes == ["ham", "spam"]
    assert scores[0].argmax() == 1  # as the README shows it
    np.testing.assert_allclose(*scores, rtol=1e-4, atol=1e-4)


# --- by name, in the commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt], ids=["numpy", "torch"])
def test_every_command_has_a_model_from_the_first_minute(twin, capsys, monkeypatch):
    asked = iter(["What is the opposite of 'hot'?", ""])
    monkeypatch.setattr("builtins.input", lambda prompt="": next(asked))
    assert main(twin, ["chat"]) == 0
    assert capsys.readouterr().out.strip()
    for command in (
        ["generate", "--max-new-tokens", "3", "--seed", "0"],
        ["classify", "Free prize! Text WIN to 80122"],
        ["inspect"],
        ["inspect", CHAT],
        ["evaluate", "--max-tokens", "100"],
    ):
        assert main(twin, command) == 0, command
        assert capsys.readouterr().out.strip()


def test_a_name_comes_before_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / BASE).mkdir()
    monkeypatch.chdir(tmp_path)
    assert numpy_gpt.load_gpt2(BASE).config.emb_dim
    with pytest.raises(FileNotFoundError):
        numpy_gpt.load_gpt2(f"./{BASE}")


def test_a_shipped_model_converts_and_trains_on(tmp_path):
    assert main(numpy_gpt, ["convert", CHAT, str(tmp_path / "whole")]) == 0
    np.testing.assert_allclose(
        numpy_gpt.load_gpt2(tmp_path / "whole")(IDS), numpy_gpt.load_gpt2(CHAT)(IDS), rtol=0.02, atol=0.05
    )  # float16 again, after the branches were added
    assert task_folder(str(tmp_path / "whole")).read_task("instructions", "style", str) == models.STYLE
    data = tmp_path / "data.json"
    data.write_text(json.dumps([{"instruction": f"Say {n}.", "output": str(n)} for n in range(20)]), encoding="utf-8")
    train = ["finetune", "instructions", "--weights", CHAT, "--data", str(data), "--out", str(tmp_path / "run")]
    assert main(numpy_gpt, [*train, "--style", "qa", "--steps", "1", "--lora-rank", "2"]) == 0
    assert json.loads((tmp_path / "run" / "training.json").read_text())["options"]["weights"] == CHAT
