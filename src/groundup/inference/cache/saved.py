"""A prefix cache on disk: a server that starts again need not read its system prompts again.

    folder/tree.json           which tokens each page holds and what it follows, the sizes, and the model's fingerprint
    folder/pages.safetensors   the pages themselves, in the tree's order
    folder/checksums.json      of both

The folder is made whole beside its place and then takes its name (`files.atomic_folder`), so a kill at any moment leaves the old one or
the new one. Keys and values mean something to the very weights that made them: a folder of another model is refused, by a hash of
configuration and weights, and so is one whose bytes changed. Texts are restored parents first, so as many as there is room for.

Saving has two halves. `copied` reads the cache, a few pages at a time, so that an engine can go on between them; `write` needs the copy alone.
A page that is kept is never written again; one that makes room meanwhile is left out of the copy, and all that follow it went before it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from groundup import files
from groundup.errors import FormatError, InputError
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.prefix import Block, PrefixCache, root

TREE, PAGES, FORMAT = "tree.json", "pages.safetensors", 1
COPY_BYTES = 8 << 20  # of pages that are copied in one piece: some milliseconds

Between = Callable[[Callable[[], Any]], Any]


def fingerprint(module: Any) -> str:
    """A hash of a model's configuration and all its weights: 134 M numbers in bf16 take about a third of a second."""
    digest = hashlib.sha256(repr(sorted(module.config.to_dict().items())).encode())
    for name, weight in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)} {weight.dtype}".encode())
        digest.update(weight.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _sizes(pool: PagePool) -> dict[str, Any]:
    """What two pools must have in common for a page of one to be a page of the other."""
    arrays = {name: [str(array.dtype), array.shape[0], *array.shape[2:]] for name, array in pool.arrays.items()}
    return {"page_size": pool.page_size, "arrays": arrays}


def in_order(prefixes: PrefixCache, salt: str | None = None) -> list[int]:
    """The names of all nodes, each behind the one it follows; among these the last used first. salt: only texts that were kept under it."""
    order, placed = [], set()
    for name in reversed(prefixes.blocks):
        way = []
        while name in prefixes.blocks and name not in placed:
            way.append(name)
            placed.add(name)
            name = prefixes.blocks[name].before
        order += way[::-1]
    if salt is None:
        return order
    known, kept = {root(salt)}, []
    for name in order:
        if prefixes.blocks[name].before in known:
            known.add(name)
            kept.append(name)
    return kept


@dataclass(slots=True)
class Copy:
    """Kept pages apart from their cache, parents first: names, nodes, and what the pages hold, by the pool's names of its arrays."""

    names: list[int]
    blocks: list[Block]
    arrays: dict[str, Tensor]
    sizes: dict[str, Any]


def at_once(action: Callable[[], Any]) -> Any:
    """Do it now: for a cache that nobody else uses."""
    return action()


def copied(prefixes: PrefixCache, names: Sequence[int], between: Between = at_once) -> Copy:
    """Copy nodes and their pages. names: of `in_order`. between: does something where nobody else touches the cache, and gives its result."""
    pool, blocks = prefixes.pool, prefixes.blocks
    with torch.inference_mode(False):
        room = {name: torch.empty(one.shape[0], len(names), *one.shape[2:], dtype=one.dtype) for name, one in pool.arrays.items()}
    copy, few = Copy([], [], room, _sizes(pool)), max(1, COPY_BYTES // max(1, pool.page_bytes))
    asked: list[tuple[int, Block | None]] = between(lambda: [(name, blocks.get(name)) for name in names])

    def piece(start: int) -> None:
        there = [(name, block) for name, block in asked[start : start + few] if block is not None and blocks.get(name) is block]
        begin, end = len(copy.names), len(copy.names) + len(there)
        pages = torch.tensor([block.page for _, block in there], dtype=torch.long, device=pool.device)
        for name, array in pool.arrays.items():
            room[name][:, begin:end] = array[:, pages].cpu()
        copy.names += [name for name, _ in there]
        copy.blocks += [block for _, block in there]

    for start in range(0, len(asked), few):
        between(partial(piece, start))
    copy.arrays = {name: array[:, : len(copy.names)].contiguous() for name, array in room.items()}
    return copy


def write(copy: Copy, folder: str | Path, model: str) -> int:
    """Write a copy; how many pages. model: its `fingerprint`. InputError where the folder holds something else: it would be lost."""
    folder = Path(folder)
    must_be_replaceable(folder)
    place = {name: index for index, name in enumerate(copy.names)}
    told = [
        {
            "after": place.get(block.before),
            "start": None if block.before in place else block.before,
            "tokens": list(block.tokens),
        }
        for block in copy.blocks
    ]
    with files.atomic_folder(folder) as made:
        made.chmod(0o700)  # the tokens are what somebody said
        files.write_json(made / TREE, {"format": FORMAT, "model": model, **copy.sizes, "blocks": told})
        save_file(copy.arrays, made / PAGES)
        files.write_checksums(made)
    return len(told)


def must_be_replaceable(folder: Path) -> None:
    """Refuse a folder that holds anything but the files of a saved cache, whole or not: it would be lost."""
    if not folder.exists():
        return
    if not folder.is_dir() or {entry.name for entry in folder.iterdir()} - {TREE, PAGES, files.CHECKSUMS}:
        raise InputError(f"{folder} holds other things than a saved cache, which would be lost; name another folder")


def save(prefixes: PrefixCache, folder: str | Path, model: str) -> int:
    """Write all kept pages and their tokens; how many. model: its `fingerprint`. The cache must not change meanwhile."""
    return write(copied(prefixes, in_order(prefixes)), folder, model)


def restore(prefixes: PrefixCache, folder: str | Path, model: str, salt: str | None = None) -> int:
    """Take the pages of a saved folder into an empty cache; how many there was room for. salt: only texts that were kept under it.

    FormatError or InputError where the folder is damaged, or of another model or another kind of pool: one sentence each, nothing taken.
    """
    folder = Path(folder)
    assert not prefixes.blocks, "a saved cache is restored into an empty one"
    if folder.parent.is_dir():
        files.recover(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not there, so there is no saved cache; check the path, or start without")
    files.verify_checksums(folder)
    tree = files.read_json(folder / TREE)
    _check(tree, folder, prefixes.pool, model)
    with torch.inference_mode(False):
        arrays = load_file(folder / PAGES)
    _check_arrays(arrays, folder, prefixes.pool, len(tree["blocks"]))
    taken = _plant(prefixes, tree["blocks"], salt)
    places = torch.tensor(list(taken), dtype=torch.long)
    pages = torch.tensor(list(taken.values()), dtype=torch.long, device=prefixes.pool.device)
    for name, array in prefixes.pool.arrays.items():
        array[:, pages] = arrays[name][:, places].to(array.device)
    return len(taken)


def _plant(prefixes: PrefixCache, blocks: list[dict[str, Any]], salt: str | None) -> dict[int, int]:
    """Put the nodes for which there are pages into the tree; which page each got, by its place in the folder."""
    names: dict[int, int] = {}
    only = None if salt is None else root(salt)
    for index, block in enumerate(blocks):
        if not prefixes.pool.free_pages:
            break
        before = block["start"] if block["after"] is None else names.get(block["after"])
        tokens = tuple(block["tokens"])
        if before is None or (block["after"] is None and only not in (None, before)):
            continue
        if (name := prefixes.hash_of(before, tokens)) in prefixes.blocks:
            continue  # two texts of one hash: the first is kept, with what follows it
        prefixes.add(name, Block(tokens, before, prefixes.pool.take()))
        names[index] = name
    for name in reversed(names.values()):
        prefixes.blocks.move_to_end(name)
    return {index: prefixes.blocks[name].page for index, name in names.items()}


def _check(tree: Any, folder: Path, pool: PagePool, model: str) -> None:
    """Refuse what is not ours, of another model, or of pages of another kind."""
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise FormatError(f"{folder / TREE} is no saved cache of format {FORMAT}; remove the folder and start without")
    if tree.get("model") != model:
        raise InputError(
            f"{folder} was saved with another model, or with its numbers read in another way (codec, deterministic mode), whose keys mean "
            "nothing to this one; name another folder"
        )
    sizes = _sizes(pool)
    for name, expected in sizes.items():
        if tree.get(name) != expected:
            raise InputError(
                f"{folder} holds pages of {name} {tree.get(name)}, this cache has {expected}; name another folder"
            )


def _check_arrays(arrays: dict[str, Tensor], folder: Path, pool: PagePool, blocks: int) -> None:
    """Refuse pages that are not one for each node, or not of the pool's arrays."""
    expected = {name: (array.shape[0], blocks, *array.shape[2:]) for name, array in pool.arrays.items()}
    if {name: tuple(array.shape) for name, array in arrays.items()} != expected:
        raise FormatError(f"{folder / PAGES} has other pages than {folder / TREE} says; remove the folder and start without")
