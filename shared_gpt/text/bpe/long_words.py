"""The merges of bpe.py for one very long word (a line of dashes, a book without spaces): n log n instead of n²."""

import heapq
from collections.abc import Mapping
from itertools import pairwise

from shared_gpt.text.bpe.files import Pair


def merge_long(parts: list[bytes], ranks: Mapping[Pair, int]) -> list[bytes]:
    """What the last of `merge_steps(parts, ranks)` leaves, from a heap of (rank, place) over a doubly linked list.

    One merge at a time, lowest rank first and from left to right, comes to the same as joining all places of a pair at
    once, because a merge makes only pairs of higher rank: each of them holds the new token, which it must follow.
    """
    part = [*parts, b""]  # the empty token at the end, and at -1, is in no pair
    left, right = list(range(-1, len(parts))), [*range(1, len(part)), 0]
    heap = [(ranks[pair], i) for i, pair in enumerate(pairwise(parts)) if pair in ranks]
    heapq.heapify(heap)
    while heap:
        rank, i = heapq.heappop(heap)
        j = right[i]
        if not part[i] or ranks.get((part[i], part[j])) != rank:
            continue  # a neighbour took one of the two
        part[i], part[j] = part[i] + part[j], b""
        right[i] = right[j]
        left[right[j]] = i
        for k in (left[i], i):
            if (rank := ranks.get((part[k], part[right[k]]))) is not None:
                heapq.heappush(heap, (rank, k))
    return [token for token in part if token]
