"""Learning a byte-pair vocabulary: join the most frequent pair, again and again, without ever recounting the text."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

from shared_gpt.text.bpe.vocabulary import BYTES, Pair
from shared_gpt.text.split import split, split_bytes
from shared_gpt.text.tokenizer import split_special, well_formed

BORDER = -1  # the symbol between two words, and at a place that a merge has emptied


def count_words(texts: Iterable[str], special_tokens: Iterable[str]) -> Counter[str]:
    """How often each word occurs in the texts. Special tokens separate words and are not counted."""
    words: Counter[str] = Counter()
    names = dict.fromkeys(special_tokens, 0)
    for text in texts:
        for ordinary, special in split_special(well_formed(text), names, "all"):
            if special is None:
                words.update(split(ordinary))
    return words


def learn_merges(
    words: Mapping[str, int],
    n_merges: int,
    min_frequency: int = 2,
    on_merge: Callable[[int], None] = lambda done: None,
) -> list[Pair]:
    """The pairs to join, in order (Sennrich et al. 2016, algorithm 1); `words` says how often each word occurs.

    Of equally frequent pairs the one with the smaller ids (left, then right) comes first, where the bytes are numbered in
    GPT-2's order and each merge takes the next number; so a text has exactly one vocabulary. There are fewer than
    `n_merges` if no pair occurs `min_frequency` times any more. `on_merge` is called with the number done so far.

    All distinct words lie in one doubly linked list of symbols. A merge visits only the places of its pair and corrects
    the counts of the neighbouring pairs, so its cost grows with the number of places, not with the length of the text.
    """
    if not words:
        raise ValueError("The text to learn from is empty; give one with at least one word.")
    tokens, merges = list(BYTES), []
    byte_ids = {byte: i for i, byte in enumerate(BYTES)}
    symbol, weight = [BORDER], [0]
    for word, times in words.items():
        ids = [byte_ids[byte] for byte in split_bytes(word)]
        symbol += [*ids, BORDER]
        weight += [times] * len(ids) + [0]
    left, right = list(range(-1, len(symbol) - 1)), list(range(1, len(symbol) + 1))

    count: Counter[tuple[int, int]] = Counter()
    places = defaultdict(list)  # pair -> where its left symbol stands or once stood; each visit checks
    for i in range(len(symbol) - 1):
        pair = symbol[i], symbol[i + 1]
        if BORDER not in pair:
            count[pair] += weight[i]
            places[pair].append(i)

    # Each change of a count pushes a new entry; one whose count is no longer its pair's is out of date and skipped.
    heap = [(-n, pair) for pair, n in count.items()]
    heapq.heapify(heap)
    while heap and len(merges) < n_merges:
        n, pair = heapq.heappop(heap)
        if -n != count[pair]:
            continue
        if -n < min_frequency:
            break
        new = len(tokens)
        merges.append((tokens[pair[0]], tokens[pair[1]]))
        tokens.append(tokens[pair[0]] + tokens[pair[1]])
        change: Counter[tuple[int, int]] = Counter()
        for i in places.pop(
            pair
        ):  # ascending, as they were found, so that in a run of equal symbols the first two join
            j = right[i]
            if (symbol[i], symbol[j]) != pair:
                continue
            before, after = left[i], right[j]
            if symbol[before] != BORDER:
                change[symbol[before], symbol[i]] -= weight[i]
                change[symbol[before], new] += weight[i]
                places[symbol[before], new].append(before)
            if symbol[after] != BORDER:
                change[symbol[j], symbol[after]] -= weight[i]
                change[new, symbol[after]] += weight[i]
                places[new, symbol[after]].append(i)
            symbol[i], symbol[j] = new, BORDER
            right[i], left[after] = after, i
        for changed, by in change.items():
            count[changed] += by
            heapq.heappush(heap, (-count[changed], changed))
        del count[pair]
        on_merge(len(merges))
    return merges
