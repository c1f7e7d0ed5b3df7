"""The texts and data that ship with the project are what they claim: right, unique, regenerable and free to use."""

import json
import math
import re
from collections import Counter, defaultdict
from importlib.resources import files

import pytest

import village
from shared_gpt.text.instructions import CLOSED_CATEGORIES
from village import english, fillings, messages

DATA = files("shared_gpt.text") / "data"


def shipped(name: str) -> str:
    return (DATA / name).read_bytes().decode("utf-8")


STORIES = shipped("marren/stories.txt")
TEXTBOOK = shipped("marren/textbook.txt")
PIECES = {piece.split("\n", 1)[0]: piece for piece in STORIES.rstrip("\n").split("\n\n\n")}
ENTRIES = json.loads(shipped("instructions.json"))
FACTS = village.read_facts()
LABELS = [tuple(line.split("\t")) for line in shipped("labels.tsv").splitlines()]


def of(*categories: str) -> list[dict[str, str]]:
    return [entry for entry in ENTRIES if entry["category"] in categories]


def asked_about(entry: dict[str, str]) -> str:
    """The word or phrase that an entry is about: its input, or else what stands in quotation marks."""
    return entry["input"] or re.search(r"'(.+)'", entry["instruction"])[1]


def question(entry: dict[str, str]) -> str:
    return f"{entry['instruction']} {entry['input']}"


# --- stories ----------------------------------------------------------------------------------------------------------


def test_stories_are_plain_text_of_the_promised_size():
    assert 58_000 <= len(STORIES) <= 66_000
    assert STORIES.isascii()
    assert len(set(STORIES)) < 100  # a character vocabulary stays small
    assert not re.search(r"[\r\t]|  | \n|\n{4}", STORIES)
    assert STORIES.endswith(".\n")


def test_every_story_has_a_title_of_its_own():
    assert len(PIECES) == STORIES.count("\n\n\n") + 1 >= 30
    for title, piece in PIECES.items():
        assert re.fullmatch(r"[A-Z][A-Za-z ]{2,40}", title)
        assert piece.startswith(f"{title}\n\n")
        assert len(piece) > 900


def test_no_paragraph_of_the_stories_is_repeated():
    paragraphs = [paragraph for paragraph in re.split(r"\n+", STORIES) if len(paragraph) > 30]
    assert len(paragraphs) == len(set(paragraphs)) > 200


# --- facts ------------------------------------------------------------------------------------------------------------


def test_each_fact_is_stated_in_its_story_and_each_story_is_asked_about():
    for title, answer, questions in FACTS:
        body = PIECES[title].removeprefix(title)
        assert re.search(rf"\b{re.escape(answer)}(?!\w)", body, re.IGNORECASE), (title, answer)
        assert len(questions) == 4
    assert {title for title, _, _ in FACTS} == set(PIECES)


def test_each_question_about_the_stories_has_one_answer():
    questions = [question for _, _, questions in FACTS for question in questions]
    assert len(questions) == len(set(questions)) >= 400
    assert Counter(entry["instruction"] for entry in of("story facts")) == Counter(questions)


# --- instructions -----------------------------------------------------------------------------------------------------


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path):
    village.write_files(tmp_path)
    for name in ("instructions.json", "labels.tsv", "marren/textbook.txt"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()


def test_entries_have_alpacas_keys_and_are_short():
    assert len(ENTRIES) >= 1_100
    for entry in ENTRIES:
        assert list(entry) == ["instruction", "input", "output", "category"]
        assert all(isinstance(value, str) and value == value.strip() for value in entry.values())
        assert entry["instruction"]
        assert entry["output"]
        assert "{" not in question(entry)
        assert len(question(entry)) + len(entry["output"]) <= 200


def test_no_entry_is_asked_twice():
    assert [asked for asked, count in Counter(map(question, ENTRIES)).items() if count > 1] == []


def test_closed_categories_exist_and_make_up_most_of_the_set():
    counts = Counter(entry["category"] for entry in ENTRIES)
    assert set(CLOSED_CATEGORIES) < set(counts)
    assert sum(counts[category] for category in CLOSED_CATEGORIES) > 0.8 * len(ENTRIES)


def test_a_held_out_tail_knows_every_closed_category():
    tail = {entry["category"] for entry in ENTRIES[-len(ENTRIES) // 10 :]}
    assert set(CLOSED_CATEGORIES) <= tail


def test_a_character_vocabulary_of_the_stories_covers_the_instructions():
    used = {letter for entry in ENTRIES for key in ("instruction", "input", "output") for letter in entry[key]}
    assert used <= set(STORIES)


@pytest.mark.parametrize(
    ("category", "compute", "count"),
    [
        ("addition", lambda a, b: a + b, 121),
        ("subtraction", lambda a, b: a - b, 121),
        ("multiplication", lambda a, b: a * b, 100),
        ("division", lambda a, b: a / b, 90),
    ],
)
def test_arithmetic_is_right_and_covers_every_pair(category, compute, count):
    pairs = set()
    for entry in of(category):
        a, b = map(int, re.findall(r"\d+", question(entry)))
        a, b = (b, a) if "Take" in question(entry) else (a, b)
        assert int(entry["output"]) == compute(a, b), entry
        pairs.add((a, b))
    assert len(pairs) == count


def test_story_sums_are_right():
    assert len(of("story sums")) >= 40
    for entry in of("story sums"):
        a, b = map(int, re.findall(r"\d+", question(entry)))
        assert int(entry["output"]) == (a - b if "are left" in question(entry) else a + b), entry


def test_number_words_are_right_in_both_directions():
    ones = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    values = {"zero": 0, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15}
    values |= {"sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "one hundred": 100}
    values |= {word: value for value, word in enumerate(ones, 1)}
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2):
        values |= {word: 10 * value} | {f"{word}-{one}": 10 * value + n for n, one in enumerate(ones, 1)}
    seen = Counter()
    for entry in of("number words"):
        given = entry["input"] or re.search(r"(?:[wW]rite|Say|by) ([\w-]+(?: hundred)?)", entry["instruction"])[1]
        word, figures = (entry["output"], given) if given.isdigit() else (given, entry["output"])
        assert values[word] == int(figures), entry
        seen[word] += 1
    assert seen == dict.fromkeys(values, 8)


def test_neighbours_and_order_of_numbers_are_right():
    for entry in of("next number"):
        step = 1 if re.search("after|further|follows", entry["instruction"]) else -1
        assert int(entry["output"]) == int(re.search(r"\d+", entry["instruction"])[0]) + step, entry
    for entry in of("larger number"):
        assert int(entry["output"]) == max(map(int, re.findall(r"\d+", question(entry)))), entry
    for entry in of("sorting numbers"):
        assert entry["output"] == ", ".join(sorted(entry["input"].split(", "), key=int)) != entry["input"], entry


def test_units_are_right():
    lengths = {"millimetre": 1, "centimetre": 10, "metre": 1_000, "kilometre": 1_000_000}
    weights = {"gram": 1, "kilogram": 1_000}
    volumes = {"millilitre": 1, "litre": 1_000}
    times = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
    years = {"month": 1, "year": 12, "decade": 120, "century": 1_200, "centurie": 1_200}
    assert len(of("units")) > 150
    for entry in of("units"):
        n, unit = re.search(r"(\d+) (\w+)", question(entry)).groups()
        m, other = entry["output"].split(" ")
        assert re.search(rf"(to|in) {other.rstrip('s')}", question(entry))
        assert (unit.endswith("s"), other.endswith("s")) == (n != "1", m != "1"), entry
        scale = next(s for s in (lengths, weights, volumes, times, years) if unit.rstrip("s") in s)
        assert int(n) * scale[unit.rstrip("s")] == int(m) * scale[other.rstrip("s")], entry


def test_letters_words_and_sorting_are_right():
    for entry in of("counting letters"):
        assert int(entry["output"]) == len(asked_about(entry)), entry
    for entry in of("spelling out"):
        assert entry["output"].replace("-", "") == asked_about(entry), entry
        assert entry["output"].count("-") == len(asked_about(entry)) - 1, entry
    for entry in of("first letters"):
        assert entry["output"] == asked_about(entry)[0], entry
    for entry in of("last letters"):
        assert entry["output"] == asked_about(entry)[-1], entry
    for entry in of("counting words"):
        assert int(entry["output"]) == len(entry["input"].split(" ")), entry
    for entry in of("sorting words"):
        assert entry["output"] == ", ".join(sorted(entry["input"].split(", "))) != entry["input"], entry
    for entry in of("prefixes"):
        (word,) = {entry["input"] or "un", *re.findall(r"'(\w+)'", entry["instruction"])} - {"un"}
        assert entry["output"] == f"un{word}", entry


def test_the_odd_one_out_is_the_one_of_another_kind():
    kinds = {asked_about(entry): entry["output"] for entry in of("kinds")}
    for entry in of("odd one out"):
        count = Counter(kinds[word] for word in entry["input"].split(", "))
        assert sorted(count.values()) == [1, 3], entry
        assert count[kinds[entry["output"]]] == 1, entry


@pytest.mark.parametrize(
    "category",
    [
        "past tense",
        "comparatives",
        "superlatives",
        "articles",
        "antonyms",
        "kinds",
        "spelling",
        "spelling in sentences",
    ],
)
def test_a_word_has_the_same_answer_in_every_phrasing(category):
    answers = defaultdict(set)
    for entry in of(category):
        answers[asked_about(entry)].add(entry["output"])
    assert len(answers) > 40
    assert {word: found for word, found in answers.items() if len(found) > 1} == {}


def test_the_rules_of_english_against_forms_written_by_hand():
    forms = {
        english.plural: "boat boats, fox foxes, church churches, dish dishes, glass glasses, baby babies, key keys,"
        "chimney chimneys, loaf loaves, knife knives, potato potatoes, piano pianos, child children, sheep sheep,"
        "person people, inch inches, fisherman fishermen, army armies",
        english.past: "walk walked, bake baked, carry carried, play played, stop stopped, open opened, answer answered,"
        "hop hopped, hope hoped, row rowed, mix mixed, go went, put put, teach taught, empty emptied, chat chatted",
        english.third_person: "bake bakes, catch catches, carry carries, play plays, go goes, push pushes, fix fixes",
        english.comparative: "tall taller, large larger, happy happier, big bigger, thin thinner, new newer, low lower,"
        "good better, bad worse, young younger, clean cleaner",
        english.superlative: "tall tallest, wide widest, busy busiest, hot hottest, good best, slow slowest",
        english.with_article: "egg an egg, hour an hour, boat a boat, university a university, umbrella an umbrella",
    }
    for rule, pairs in forms.items():
        for pair in pairs.split(","):
            word, expected = pair.strip().split(" ", 1)
            assert rule(word) == expected


def test_spelling_changes_exactly_one_word_of_a_sentence():
    corrections = {asked_about(entry): entry["output"] for entry in of("spelling")}
    for entry in of("spelling in sentences"):
        changed = [(old, new) for old, new in zip(entry["input"].split(), entry["output"].split()) if old != new]
        assert len(changed) == 1, entry
        wrong, right = (word.strip(".") for word in changed[0])
        assert corrections[wrong] == right, entry
    assert not set(corrections) & set(re.findall(r"\w+", STORIES.lower()))  # no right word is called a mistake


def test_every_case_of_a_closed_category_is_asked_in_several_phrasings():
    for category in ("plurals", "antonyms", "kinds", "spelling", "first letters"):
        cases = Counter(asked_about(entry) for entry in of(category))
        assert set(cases.values()) == {4}, category
    assert len(of("sorting words")) == 2 * len({entry["input"] for entry in of("sorting words")})


# --- textbook ---------------------------------------------------------------------------------------------------------


def test_the_textbook_teaches_in_short_lessons_and_asks_nothing():
    assert TEXTBOOK.isascii()
    assert set(TEXTBOOK) <= set(STORIES)
    lessons = [lesson.split("\n") for lesson in TEXTBOOK.rstrip("\n").split("\n\n\n")]
    for title, gap, *lines in lessons:
        assert re.fullmatch(r"[A-Z][a-z ]+", title)
        assert not gap
        assert 1 <= len(lines) <= 10
        assert all(re.fullmatch(r"[^{}?]+\.", line) for line in lines), title
    statements = Counter(line for lesson in lessons for line in lesson[2:])
    assert [line for line, count in statements.items() if count > 1] == []
    assert not any(entry["instruction"] in TEXTBOOK for entry in ENTRIES)


def test_the_sums_of_the_textbook_are_right():
    sums = re.findall(r"^(\d+) ([-+*/]) (\d+) is (\d+)\.$", TEXTBOOK, re.MULTILINE)
    compute = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "/": int.__truediv__}
    assert len(sums) == 121 + 121 + 100 + 90
    for a, sign, b, result in sums:
        assert compute[sign](int(a), int(b)) == int(result)


@pytest.mark.parametrize(
    ("category", "statement"),
    [
        ("plurals", "The plural of '{}' is '{}'."),
        ("past tense", "The past tense of '{}' is '{}'."),
        ("comparatives", "The comparative of '{}' is '{}'."),
        ("superlatives", "The superlative of '{}' is '{}'."),
        ("antonyms", "The opposite of '{}' is '{}'."),
        ("kinds", "The word '{}' stands for {}."),
        ("spelling", "The right spelling of '{}' is '{}'."),
        ("spelling out", "{} is spelt {}."),
        ("counting letters", "'{}' has {} letters."),
    ],
)
def test_what_the_instructions_ask_stands_in_the_textbook(category, statement):
    for entry in of(category):
        assert statement.format(asked_about(entry), entry["output"]) in TEXTBOOK


# --- labels -----------------------------------------------------------------------------------------------------------


def test_labels_have_the_layout_and_the_balance_of_the_sms_collection():
    assert 1_600 <= len(LABELS) <= 2_000
    assert all(len(row) == 2 and row[0] in ("ham", "spam") for row in LABELS)
    assert all(text == text.strip() and 2 <= len(text) <= 200 for _, text in LABELS)
    assert not any(re.search(r'[{}"]', text) for _, text in LABELS)  # no quotation marks, which csv readers would join
    counts = Counter(label for label, _ in LABELS)
    assert 2.5 <= counts["ham"] / counts["spam"] <= 4


def test_no_message_is_repeated():
    assert len({text.lower() for _, text in LABELS}) == len(LABELS)


def test_messages_name_no_real_number_and_no_real_address():
    for _, text in LABELS:
        for number in re.findall(r"\b0\d[\d ]{6,}\d", text):
            assert re.fullmatch(r"(07700 900\d{3}|020 7946 0\d{3})( 4)?", number), text  # 4: for, in short
        for address in re.findall(r"\b[\w-]+\.[a-z]{2,}\b", text.lower()):
            assert address.endswith(".example"), text


def test_messages_can_be_told_apart_but_not_by_one_word():
    rows = [(label == "spam", set(re.findall(r"[\w£]+", text.lower()))) for label, text in LABELS]
    n_spam = sum(spam for spam, _ in rows)
    in_spam = Counter(word for spam, words in rows if spam for word in words)
    in_ham = Counter(word for spam, words in rows if not spam for word in words)
    for word in in_spam | in_ham:
        balanced = (in_spam[word] / n_spam + 1 - in_ham[word] / (len(rows) - n_spam)) / 2
        assert max(balanced, 1 - balanced) < 0.75, word
    assert bayes_accuracy(rows[: len(rows) * 7 // 10], rows[len(rows) * 7 // 10 :]) > 0.85


def bayes_accuracy(train: list[tuple[bool, set[str]]], held_out: list[tuple[bool, set[str]]]) -> float:
    """Share of the held-out messages that naive Bayes over the words of the others labels rightly."""
    n = Counter(spam for spam, _ in train)
    seen = Counter((spam, word) for spam, words in train for word in words)
    known = {word for _, words in train for word in words}

    def score(spam: bool, words: set[str]) -> float:
        return math.log(n[spam]) + sum(math.log((seen[spam, word] + 1) / (n[spam] + 2)) for word in words & known)

    return sum((score(True, words) > score(False, words)) == spam for spam, words in held_out) / len(held_out)


def test_every_template_and_every_list_of_fillings_is_used():
    gaps = set(re.findall(r"\{(\w+)\}", "\n".join(messages.HAM + messages.SPAM)))
    gaps |= set(re.findall(r"\{(\w+)\}", "".join(messages.HAM_OPENINGS + messages.HAM_CLOSINGS)))
    gaps |= set(re.findall(r"\{(\w+)\}", "".join(messages.SPAM_OPENINGS + messages.SPAM_CLOSINGS)))
    assert gaps == set(fillings.GAPS)


# --- licence ----------------------------------------------------------------------------------------------------------


def test_the_dedication_names_every_data_file():
    dedication = shipped("LICENSE.txt")
    assert "CC0-1.0" in dedication
    assert "publicdomain/zero/1.0" in dedication
    names = {path.name for path in (*DATA.iterdir(), *(DATA / "marren").iterdir())} - {"LICENSE.txt"}
    assert names >= {"stories.txt", "textbook.txt", "facts.txt", "instructions.json", "labels.tsv"}
    assert [name for name in names if name not in dedication] == []
