"""The textbook's statements in other words, which the shipped models alone read: what a model has read in many wordings, it can
be asked about in yet another (Allen-Zhu and Li 2023, "Physics of Language Models", part 3.1)."""

from collections.abc import Iterator
from random import Random

from village.lists import lines
from village.textbook import lessons_of, textbook_cases, told

WORD_TIMES, NUMBER_TIMES = 3, 4  # how often each is read in one pass
LAST_OF_A_ROW = 6

# Each word stands with a space before it, without one, and between quotation marks: to the tokenizer these are different.
ABOUT_WORDS = {
    "plurals": lines("""
One {0} is alone; with others it is one of the {answer}.
'{answer}' is what we write for more than one '{0}'.
{0}/{answer}: one and many.
I have one {0}, and you have three {answer}.
Where there is more than one {0}, we say '{answer}'.
The word '{0}' is singular, and its plural form is '{answer}'.
{answer}, because there is more than one {0}.
The noun '{0}' has the plural '{answer}'.
"""),
    "past tense": lines("""
They {0} now; before, they {answer}.
'{answer}' is the word for yesterday, '{0}' the word for today.
{0}/{answer}: present and past.
The verb '{0}' has the past form '{answer}'.
When it is over, we do not write '{0}' but '{answer}'.
{answer} is how we write {0} in the past.
I {0} today, as I {answer} the day before.
We put '{0}' into the past and get '{answer}'.
"""),
    "comparatives": lines("""
If one thing is {0}, the other may be {answer}.
'{answer}' is the form of '{0}' that compares two things.
{0}/{answer}: the adjective and its comparative.
It was {0} before, and now it is {answer}.
In place of 'more {0}' we say '{answer}'.
The comparative form of '{0}' is written '{answer}'.
{answer} than before: so much more {0}.
With two of them, one is '{0}' and one is '{answer}'.
"""),
    "superlatives": lines("""
Nothing is so {0} as the {answer} of all.
'{answer}' is the form of '{0}' that is said of the one above all others.
{0}/{answer}: the adjective and its superlative.
Some things are {0}, but only one can be the {answer}.
In place of 'most {0}' we say '{answer}'.
The superlative form of '{0}' is written '{answer}'.
{answer} of them all: no other is so {0}.
Out of ten that are '{0}', the first is '{answer}'.
"""),
    "articles": lines("""
There was {answer} in the picture.
'{answer}' is right for '{0}'.
{0}/{answer}: without and with its article.
In front of '{0}' stands its article: '{answer}'.
She drew {answer} for me.
{answer}, since the word is {0}.
The word '{0}' takes its article, so we write '{answer}'.
Before '{0}' we do not leave the article out: '{answer}'.
"""),
    "antonyms": lines("""
What is {0} is not {answer}.
'{0}' and '{answer}' mean opposite things.
{0}/{answer}: two opposites.
{answer} is the antonym of {0}.
The word '{0}' has an antonym, '{answer}'.
Not {0}, but just the other way round: {answer}.
The opposite of {0} is called '{answer}'.
Whoever looks for the contrary of '{0}' finds '{answer}'.
"""),
    "prefixes": lines("""
We add 'un' to '{0}' and write '{answer}'.
First 'un' and then '{0}': that gives '{answer}'.
{0}/{answer}: without un and with un.
The word '{0}' takes 'un', and then it is '{answer}'.
The opposite of '{0}' that begins with 'un' is '{answer}'.
{answer} has un in front of {0}.
Without 'un' it is {0}, with 'un' it is {answer}.
Put before '{0}', the letters un make '{answer}'.
"""),
    "young animals": lines("""
When {1} has a young one, it is {answer}.
{answer} grows up to be {1}.
{0}/{answer}: the old one and the young one.
The little one beside {1} is {answer}.
Every {0} was once {answer}.
The baby of the {0} is {answer}.
'{answer}' is the name for a young {0}.
People call the young of the {0} '{answer}'.
"""),
    "kinds": lines("""
'{0}' is {answer}, as everybody knows.
{0} is a word for {answer}.
{0}/{answer}: the word and its kind.
As for its kind, '{0}' is {answer}.
By the word '{0}' we mean {answer}.
{answer}: to this kind belongs '{0}'.
The sort of thing that we call '{0}' is {answer}.
We count '{0}' as {answer}.
"""),
    "spelling": lines("""
Whoever writes '{0}' means '{answer}'.
'{0}' has a mistake in it; without it the word is '{answer}'.
{0}/{answer}: wrong and right.
{answer} is correct, and {0} is not.
We correct '{0}' and write '{answer}'.
The word is written '{answer}', never '{0}'.
Instead of {0} one writes {answer}.
{answer}, though some spell it {0}.
"""),
}

ABOUT_NUMBERS = {
    "addition": lines("""
{0} + {1} = {answer}
{0} and {1} more make {answer}.
The sum of {0} and {1} is {answer}.
{0}+{1}={answer}
"""),
    "subtraction": lines("""
{0} - {1} = {answer}
{0}-{1}={answer}
From {0} take {1}: {answer} are left.
The difference of {0} and {1} is {answer}.
{1} + {answer} = {0}, so {0} - {1} = {answer}
"""),
    "multiplication": lines("""
{0} * {1} = {answer}
{0}*{1}={answer}
{0} x {1} = {answer}
The product of {0} and {1} is {answer}.
{0} bags with {1} nuts in each hold {answer} nuts.
"""),
    "division": lines("""
{0} / {1} = {answer}
{0}/{1}={answer}
{1} goes into {0} just {answer} times.
{0} shared among {1} gives {answer} to each.
{answer} * {1} = {0}, so {0} / {1} = {answer}
"""),
    "counting": lines("""
One more than {0} is {answer}.
One less than {answer} is {0}.
The number after {0} is {answer}.
The number before {answer} is {0}.
'{answer}' stands after '{0}', and '{0}' before '{answer}'.
"""),
}


def further_lessons(rng: Random) -> list[str]:
    """Lessons like the textbook's, in further words; rows of numbers stand among the counting."""
    cases = textbook_cases()
    statements = {topic: told(forms, cases[topic]) * WORD_TIMES for topic, forms in ABOUT_WORDS.items()}
    statements |= {topic: told(forms, cases[topic]) * NUMBER_TIMES for topic, forms in ABOUT_NUMBERS.items()}
    statements["counting"] += list(rows_of_numbers()) * NUMBER_TIMES
    return [lesson for topic, about_it in statements.items() for lesson in lessons_of(topic, about_it, rng)]


def rows_of_numbers() -> Iterator[str]:
    """Six numbers one after the other, upwards and downwards, from each of those up to 95."""
    for first in range(101 - LAST_OF_A_ROW):
        row = [str(number) for number in range(first, first + LAST_OF_A_ROW)]
        yield ", ".join(row)
        yield ", ".join(reversed(row))
