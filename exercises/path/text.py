"""Part 1, text: from characters to ids, and to windows that a model can learn from."""

from exercises.exercise import Exercise, Question
from exercises.probes import text as probes
from shared_gpt.text.bpe.training import learn_merges
from shared_gpt.text.windows import TokenWindows

SIMPLE = "shared_gpt.text.simple"
COUNTS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}


def _merge(i: int) -> str:
    return b"".join(learn_merges(COUNTS, i + 1)[i]).decode()


EXERCISES = (
    Exercise(
        "split-words", "text", "implement", 15, 1,
        task="""Split a text into words and punctuation marks.

text: any string. Each of , . : ; ? _ ! " ' ( ) and -- is a piece of its own, white space
separates pieces, and no piece is white space or empty. "Hello, world--ok" gives
["Hello", ",", "world", "--", "ok"]. One regular expression does it.""",
        hints=(
            "re.split cuts at every match of a pattern and throws the match away, unless the pattern is a group in ().",
            'The pattern is ([,.:;?_!"()\']|--|\\s): any one of the signs, or two hyphens, or one white-space character.',
            "re.split leaves empty strings between neighbours, and keeps the spaces: strip each piece, keep what is left.",
        ),
        targets=(f"{SIMPLE}.split_words",), withheld=(f"{SIMPLE}.SEPARATORS",), probe=probes.split_words,
        checks=("words and ids",),
    ),
    Exercise(
        "build-vocab", "text", "implement", 10, 1,
        task="""Give every distinct word of a text a number.

text: any string that holds at least one word; split_words splits it. The words are sorted as
Python sorts strings, and each gets its place, from 0, as its id.""",
        hints=(
            "A set keeps one of each word, in no order; sorted() puts them in one.",
            "enumerate counts from 0 while you go through the sorted words.",
            "The dictionary maps the word to its number, not the number to the word.",
        ),
        targets=(f"{SIMPLE}.build_vocab",), probe=probes.build_vocab,
        checks=("words and ids",),
    ),
    Exercise(
        "simple-tokenizer-v1", "text", "implement", 25, 1,
        task="""Words to ids, and ids back to a text.

self.str_to_int maps a word to its id, self.int_to_str an id to its word. encode: text, any
string; a word that the vocabulary lacks is a ValueError. (allowed_special may stay unused
here.) decode: ids, whole numbers; the words with a space between them, but none before a
punctuation mark.""",
        hints=(
            "encode: split_words, then one look-up for each word. `in` asks whether a dictionary has a key.",
            "decode: ' '.join puts a space everywhere; re.sub then takes away those before , . : ; ? ! \" ' ( and ).",
            r"""re.sub(r"\s+([,.:;?!\"()'])", r"\1", text) replaces white space and a sign by the sign alone.""",
        ),
        targets=(f"{SIMPLE}.SimpleTokenizerV1.encode", f"{SIMPLE}.SimpleTokenizerV1.decode"),
        probe=probes.simple_tokenizer_v1,
        checks=("words and ids",),
    ),
    Exercise(
        "simple-tokenizer-v2", "text", "implement", 10, 1,
        task="""What to do with a word that nobody has seen before.

SimpleTokenizerV2 has two more words in its vocabulary: <|unk|> for every unknown word, and
<|endoftext|>. word: one word. Give its id, or that of <|unk|> (the constant UNKNOWN) where
self.str_to_int lacks it.""",
        hints=(
            "There is one sensible answer for every unknown word: the id of <|unk|>.",
            "dict.get takes a second argument: what to give where the key is missing.",
            "self.str_to_int[UNKNOWN] is that second argument.",
        ),
        targets=(f"{SIMPLE}.SimpleTokenizerV2._id",), probe=probes.simple_tokenizer_v2,
        checks=("words and ids",),
    ),
    Exercise(
        "bpe-by-hand", "text", "derive", 20, 1,
        task="""Learn three merges with pencil and paper.

A text holds `low` 5 times, `lower` twice, `newest` 6 times and `widest` 3 times. Byte-pair
encoding starts from letters and joins the most frequent pair of neighbours, again and again.
Of equally frequent pairs the one with the smaller ids comes first; letters have their ids in
alphabetical order, and each merge takes the next number.""",
        hints=(
            "Count a pair once for every place in a word, times how often the word occurs: `es` stands in newest and widest.",
            "e+s and s+t both occur 9 times. e comes before s in the alphabet, so (e, s) is joined first.",
            "After that `es` is one symbol. Count again: which neighbour does it have wherever it stands?",
        ),
        questions=(
            Question("pair_count", "How often does the pair s, t occur?", lambda: sum(COUNTS[w] for w in COUNTS if "st" in w),
                     "add up, over the words that hold it, how often each word occurs"),
            Question("first_merge", "What does the first merge make? (a string)", lambda: _merge(0),
                     "of the pairs that occur most often, take the one whose left letter comes first"),
            Question("second_merge", "And the second?", lambda: _merge(1),
                     "count again with the new symbol in place; the pair may contain it"),
            Question("third_merge", "And the third?", lambda: _merge(2), "the letters of low now occur 7 times each"),
        ),
    ),
    Exercise(
        "join-pair", "text", "implement", 15, 1,
        task="""One merge of byte-pair encoding.

parts: a list of byte strings, the symbols of a word. pair: two of them. Join the pair wherever
it stands, going from left to right: (a, a) turns a a a into aa a. The list that comes in stays
as it is.""",
        hints=(
            "Go through the parts with an index that you move yourself: by two where the pair stands, else by one.",
            "tuple(parts[i : i + 2]) == pair is also right at the last part, where only one is left.",
            'b"".join(parts[i : i + 2]) is the joined symbol; append it, and go on two further.',
        ),
        targets=("shared_gpt.text.bpe.tokenizer.join_pair",), probe=probes.join_pair,
        checks=("byte pairs",),
    ),
    Exercise(
        "train-bpe", "text", "implement", 45, 3,
        task="""Learn the merges of a text.

words: how often each word occurs. n_merges: how many pairs to learn at most. Start from the
bytes of each word (split_bytes). Count every pair of neighbours, times the word's number; join
the most frequent one everywhere; repeat, until n_merges are learnt or no pair occurs
min_frequency times. Give the pairs (two byte strings each), in order. Of equally frequent pairs
the one with the smaller ids comes first, left, then right: the 256 bytes are numbered as in
BYTES, and each merge takes the next number. on_merge is called with the number of merges so
far. Recounting everything for each merge is slow and right; start with that.""",
        hints=(
            "Keep one list of symbols for each word. collections.Counter over zip(parts, parts[1:]) counts its pairs.",
            "A dictionary from symbol to id breaks ties: min over the pairs of (-count, id of left, id of right).",
            "After a merge go through every word once with what you wrote in join-pair, and give the new symbol len(ids).",
        ),
        targets=("shared_gpt.text.bpe.training.learn_merges",), probe=probes.learn_merges,
        checks=("byte pairs",),
    ),
    Exercise(
        "bpe-encode", "text", "implement", 20, 2,
        task="""The tokens of one word, from its bytes.

parts: the bytes of a word. ranks: each learnt pair with its rank; the one learnt first has rank
0. Of all pairs of neighbours join the one with the lowest rank, wherever it stands; and again,
until no neighbours are a learnt pair. join_pair joins.""",
        hints=(
            "Not the first pair from the left: the one that was learnt first. So look at all pairs before each merge.",
            "min(pairwise(parts), key=lambda pair: ranks.get(pair, inf)) finds it; a pair not in ranks ends the loop.",
            "With fewer than two parts there are no pairs, and min of nothing raises: ask for the length first.",
        ),
        targets=("shared_gpt.text.bpe.tokenizer.merge",),
        withheld=("shared_gpt.text.bpe.tokenizer.merge_steps", "shared_gpt.text.bpe.long_words.merge_long"),
        probe=probes.merge,
        checks=("byte pairs",),
    ),
    Exercise(
        "windows", "text", "implement", 20, 2,
        task="""Cut a long row of tokens into inputs and targets.

self.tokens is one long array, self.context_length is T, and window i begins at token i times
self.stride. inputs are T tokens from there, targets the same one place later; both int64. i: from
0 to len(self) - 1, or from the end, -1 the last one; any other is an IndexError.""",
        hints=(
            "Both come out of one stretch of T + 1 tokens: all but its last, and all but its first.",
            "A negative i counts from the end: i % len(self), once you have made sure that i is in range.",
            "np.array(..., dtype=np.int64) copies the stretch; window[:-1] and window[1:] are the two.",
        ),
        targets=("shared_gpt.text.windows.TokenWindows.__getitem__",), probe=probes.windows_of_tokens,
        checks=("windows and batches",),
    ),
    Exercise(
        "count-windows", "text", "derive", 10, 1,
        task="""How many examples are in a text?

A text has 1,000 tokens, and a window holds T = 64. The targets lie one place later.""",
        hints=(
            "A window needs T + 1 tokens, because its last target is the token after it.",
            "The last window may begin at token 1000 - 65, counted from 0.",
            "The starts are 0, stride, 2 · stride, ... up to there; count them, both ends included.",
        ),
        questions=(
            Question("needed", "How many tokens does one window need?", lambda: 64 + 1,
                     "the last target lies behind the last input"),
            Question("without_overlap", "How many windows with stride 64?", lambda: len(TokenWindows(range(1000), 64, 64)),
                     "count the multiples of 64 at which a window can begin"),
            Question("with_stride_1", "How many windows with stride 1?", lambda: len(TokenWindows(range(1000), 64, 1)),
                     "every token can begin one, as long as enough tokens follow it"),
        ),
    ),
)  # fmt: skip
