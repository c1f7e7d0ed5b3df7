"""The merges of one very long word (a line of dashes, a book without spaces) in n log n steps instead of n²."""

import heapq
from collections.abc import Mapping
from itertools import pairwise

from shared_gpt.text.bpe.vocabulary import Pair


def merge_long(parts: list[bytes], ranks: Mapping[Pair, int]) -> list[bytes]:
    """The tokens that `merge(parts, ranks)` gives, from a heap of (rank, place) over a doubly linked list.

    Merging place by place, lowest rank first and from left to right, gives the same as joining a pair everywhere at once:
    a merge only makes pairs of higher rank, since each of them holds the new token and was learnt after it.
    """
    part = [*parts, b""]  # the empty part at the end, which is also the one at -1, is in no pair
    left, right = list(range(-1, len(parts))), [*range(1, len(part)), 0]
    heap = [(ranks[pair], i) for i, pair in enumerate(pairwise(parts)) if pair in ranks]
    heapq.heapify(heap)
    while heap:
        rank, i = heapq.heappop(heap)
        j = right[i]
        if not part[i] or ranks.get((part[i], part[j])) != rank:
            continue  # another merge has taken one of the two
        part[i], part[j] = part[i] + part[j], b""
        right[i] = right[j]
        left[right[j]] = i
        for k in (left[i], i):
            if (rank := ranks.get((part[k], part[right[k]]))) is not None:
                heapq.heappush(heap, (rank, k))
    return [token for token in part if token]
