"""Prefix cache: pages of texts that were read before, found again by their tokens, so that a shared beginning is read once.

A system prompt, a few examples, the earlier turns of a chat: most requests begin as another did. A key or value depends on the tokens
before it and on nothing after, so full pages of a text are kept when it is done, in a tree: a node is one page, its way from the root is
the text. A node is found by the hash of its own tokens and the hash of the node before it, one look-up a page:

    h(block 0) = hash(salt, tokens 0..31)      h(block 1) = hash(h(block 0), tokens 32..63)      ...

Equal hashes do not make equal texts: the tokens themselves are compared as well, at every node, or one user would be answered from
another's text. The tree holds its pages like a row does (`PagePool.hold`). When pages run short, leaves go that no row holds, those first that
were not used for longest; a node goes after all that follow it. `salt` keeps texts apart that share tokens but not numbers (an adapter's
name), or that must not tell each other that they were asked (a user's key).
Zheng et al. 2024, SGLang, arXiv:2312.07104, section 3 (radix tree, eviction of leaves); Kwon et al. 2023, arXiv:2309.06180, section 4.4.

Left out: pages that are only partly equal, and the last page of a text unless it is full.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from groundup.inference.cache.paged import PagePool
from groundup.slots import slot


@dataclass(slots=True)
class Block:
    """One kept page: its tokens, the hash of the block before it, the page, and how many blocks follow it directly."""

    tokens: tuple[int, ...]
    before: int
    page: int
    followers: int = 0


def block_hash(before: int, tokens: tuple[int, ...]) -> int:
    """A number for a block of tokens and all that stand before it."""
    return hash((before, tokens))


def root(salt: str) -> int:
    """What stands in the place of a hash before the first block of a text: the same in every process."""
    return int.from_bytes(hashlib.sha256(salt.encode(errors="replace")).digest()[:7], "little")


@slot
def longest_prefix(
    ids: Sequence[int],
    known: Mapping[int, Block],
    page_size: int,
    start: int,
    hash_of: Callable[[int, tuple[int, ...]], int] = block_hash,
) -> list[int]:
    """The hashes of the known blocks that `ids` begins with, in order; only full blocks of page_size tokens count.

    start: what stands in the place of a hash before the first block. A hash alone proves nothing: a block counts where its tokens and
    its `before` are the asked ones.
    """
    found: list[int] = []
    for first in range(0, len(ids) - page_size + 1, page_size):
        tokens = tuple(ids[first : first + page_size])
        name = hash_of(start, tokens)
        block = known.get(name)
        if block is None or block.tokens != tokens or block.before != start:
            break
        found.append(name)
        start = name
    return found


@dataclass(slots=True)
class Hits:
    """What the cache was asked and gave. tokens are those of prompts."""

    asked: int = 0
    found: int = 0
    tokens: int = 0
    cached_tokens: int = 0
    evicted_pages: int = 0

    @property
    def rate(self) -> float:
        """The share of all prompt tokens that did not have to be read."""
        return self.cached_tokens / self.tokens if self.tokens else 0.0


class PrefixCache:
    """A tree of kept pages beside a pool.

        cached = prefixes.begin(row, ids)      the row starts with what is known; read the tokens from `cached` on
        prefixes.count(len(ids), cached)       once it is sure that it does
        prefixes.keep(row, ids)                the tokens that the row's pages hold, when they are written
        prefixes.allocate(row, new)            as the pool's, but unused leaves go where pages are short

    hash_of: for tests.
    """

    def __init__(self, pool: PagePool, hash_of: Callable[[int, tuple[int, ...]], int] = block_hash):
        self.pool, self.hash_of = pool, hash_of
        self.blocks: OrderedDict[int, Block] = OrderedDict()  # those used longest ago first
        self.hits = Hits()

    def __len__(self) -> int:
        return len(self.blocks)

    def find(self, ids: Sequence[int], salt: str = "") -> list[int]:
        """The pages that hold the beginning of a text; they count as used now."""
        found = longest_prefix(ids, self.blocks, self.pool.page_size, root(salt), self.hash_of)
        for name in reversed(found):  # so that a node is always younger than all that follow it
            self.blocks.move_to_end(name)
        return [self.blocks[name].page for name in found]

    def begin(self, row: int, ids: Sequence[int], salt: str = "") -> int:
        """Let an empty row begin with the known pages of its prompt; how many tokens they hold, at least one less than all.

        It may be tried again and again while pages are short, so nothing is counted yet: `count` does that, once a text.
        """
        pages = self.find(ids[: len(ids) - 1], salt)
        cached = len(pages) * self.pool.page_size
        self.pool.share(row, pages, cached)
        return cached

    def count(self, tokens: int, cached: int) -> None:
        """A text of so many tokens has begun, and so many of them were known."""
        self.hits.asked += 1
        self.hits.found += cached > 0
        self.hits.tokens += tokens
        self.hits.cached_tokens += cached

    def keep(self, row: int, ids: Sequence[int], salt: str = "") -> int:
        """Keep the full pages of a row, which hold the tokens `ids`; how many were new. The row may go on or be freed."""
        size, before, new, used = self.pool.page_size, root(salt), 0, []
        written = min(len(ids), int(self.pool.lengths[row])) // size
        for number in range(written):
            tokens = tuple(ids[number * size : (number + 1) * size])
            name, page = self.hash_of(before, tokens), int(self.pool.tables[row, number])
            block = self.blocks.get(name)
            if block is None:
                if page < 0:  # given back from behind a window
                    break
                self.add(name, Block(tokens, before, page))
                self.pool.hold([page])
                new += 1
            elif block.tokens != tokens or block.before != before:  # another text has this hash: the older one stays
                break
            used.append(name)
            before = name
        for name in reversed(used):
            self.blocks.move_to_end(name)
        return new

    def add(self, name: int, block: Block) -> None:
        """Put a node into the tree; its page is held already."""
        self.blocks[name] = block
        if (parent := self.blocks.get(block.before)) is not None:
            parent.followers += 1

    def allocate(self, row: int, new: int) -> bool:
        """Make room for so many more tokens of a row, at the cost of unused leaves; False where that is not enough."""
        self.make_room(self.pool.needed(row, new))
        return self.pool.allocate(row, new)

    def make_room(self, pages: int) -> int:
        """Let leaves go that no row holds until so many pages are free, or none is left; how many went."""
        gone = 0
        while self.pool.free_pages < pages and (name := self._oldest_leaf()) is not None:
            self._drop(name)
            gone += 1
        self.hits.evicted_pages += gone
        return gone

    def _oldest_leaf(self) -> int | None:
        unused = (name for name, one in self.blocks.items() if not one.followers and self.pool.holders[one.page] == 1)
        return next(unused, None)

    def _drop(self, name: int) -> None:
        block = self.blocks.pop(name)
        self.pool.release([block.page])
        if (parent := self.blocks.get(block.before)) is not None:
            parent.followers -= 1

    @property
    def evictable(self) -> int:
        """How many pages would come free if all that no row holds were let go."""
        return sum(self.pool.holders[block.page] == 1 for block in self.blocks.values())

    def clear(self) -> None:
        """Forget everything; pages that rows hold stay theirs."""
        for block in self.blocks.values():
            self.pool.release([block.page])
        self.blocks.clear()
