"""A prefix cache on disk: a server that starts again need not read its system prompts again.

    folder/tree.json           which tokens each page holds and what it follows, the sizes, and the model's fingerprint
    folder/pages.safetensors   the pages themselves, in the tree's order
    folder/checksums.json      of both

The folder is made whole beside its place and then takes its name (`files.atomic_folder`), so a kill at any moment leaves the old one or
the new one. Keys and values mean something to the very weights that made them: a folder of another model is refused, by a hash of
configuration and weights, and so is one whose bytes changed. Texts are restored parents first, so as many as there is room for.
"""

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from groundup import files
from groundup.errors import FormatError, InputError
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.prefix import Block, PrefixCache

TREE, PAGES, FORMAT = "tree.json", "pages.safetensors", 1


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


def _in_order(prefixes: PrefixCache) -> list[int]:
    """All nodes, each behind the one it follows; among these the last used first."""
    order, placed = [], set()
    for name in reversed(prefixes.blocks):
        way = []
        while name in prefixes.blocks and name not in placed:
            way.append(name)
            placed.add(name)
            name = prefixes.blocks[name].before
        order += way[::-1]
    return order


def save(prefixes: PrefixCache, folder: str | Path, model: str) -> int:
    """Write all kept pages and their tokens; how many. model: its `fingerprint`."""
    names = _in_order(prefixes)
    place = {name: index for index, name in enumerate(names)}
    blocks = [prefixes.blocks[name] for name in names]
    pages = torch.tensor([block.page for block in blocks], dtype=torch.long, device=prefixes.pool.device)
    salts = [None if block.before in place else block.before for block in blocks]
    tree = {
        "format": FORMAT,
        "model": model,
        **_sizes(prefixes.pool),
        "blocks": [
            {"after": place.get(block.before), "start": salt, "tokens": list(block.tokens)}
            for block, salt in zip(blocks, salts, strict=True)
        ],
    }
    with files.atomic_folder(folder) as made:
        files.write_json(made / TREE, tree)
        arrays = {name: array[:, pages].cpu().contiguous() for name, array in prefixes.pool.arrays.items()}
        save_file(arrays, made / PAGES)
        files.write_checksums(made)
    return len(blocks)


def restore(prefixes: PrefixCache, folder: str | Path, model: str) -> int:
    """Take the pages of a saved folder into an empty cache; how many there was room for.

    FormatError or InputError where the folder is damaged, or of another model or another kind of pool: one sentence each, nothing taken.
    """
    folder = Path(folder)
    assert not prefixes.blocks, "a saved cache is restored into an empty one"
    files.recover(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not there, so there is no saved cache; check the path, or start without")
    files.verify_checksums(folder)
    tree = files.read_json(folder / TREE)
    _check(tree, folder, prefixes.pool, model)
    with torch.inference_mode(False):
        arrays = load_file(folder / PAGES)
    taken = _plant(prefixes, tree["blocks"])
    places = torch.tensor(list(taken), dtype=torch.long)
    pages = torch.tensor(list(taken.values()), dtype=torch.long, device=prefixes.pool.device)
    for name, array in prefixes.pool.arrays.items():
        array[:, pages] = arrays[name][:, places].to(array.device)
    return len(taken)


def _plant(prefixes: PrefixCache, blocks: list[dict[str, Any]]) -> dict[int, int]:
    """Put the nodes for which there are pages into the tree; which page each got, by its place in the folder."""
    names: dict[int, int] = {}
    for index, block in enumerate(blocks[: prefixes.pool.free_pages]):
        before = block["start"] if block["after"] is None else names.get(block["after"])
        tokens = tuple(block["tokens"])
        if before is None or (name := prefixes.hash_of(before, tokens)) in prefixes.blocks:
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
    if tree["model"] != model:
        raise InputError(
            f"{folder} was saved with another model, whose keys mean nothing to this one; name another folder"
        )
    sizes = _sizes(pool)
    for name, expected in sizes.items():
        if tree[name] != expected:
            raise InputError(
                f"{folder} holds pages of {name} {tree[name]}, this cache has {expected}; name another folder"
            )
