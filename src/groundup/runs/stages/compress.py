"""The stage `compress`: the model of the stage before made smaller; measured on held-out text before and after."""

import shutil
from collections.abc import Iterator
from typing import Any

from groundup.runs.context import Context

TEXTS = 4000  # texts or conversations at most; the configuration's tokens are fewer


def run(context: Context) -> dict[str, Any]:
    """Compress the model and write its folder; the sizes and perplexities before and after."""
    from groundup.compression.compress import compress
    from groundup.model.formats.huggingface import load_config
    from groundup.progress import progress

    source = context.inputs["model"]
    if context.made.exists():  # this stage was killed behind the last write, and is done again whole
        shutil.rmtree(context.made)
    with progress(load_config(source).num_hidden_layers, "compressing", "block") as bar:
        made = compress(source, context.made, context.config, texts(context), lambda done: bar.update(done))
    numbers = {"bytes_before": made.bytes_before, "bytes_after": made.bytes_after, "method": context.config.method}
    if made.perplexity_before is not None and made.perplexity_after is not None:
        numbers |= {"perplexity_before": made.perplexity_before, "perplexity_after": made.perplexity_after}
    return numbers


def texts(context: Context) -> Iterator[Any]:
    """What the model has read: training texts of every world; of one that was tuned, conversations, as in `groundup compress`.

    A tuned model may have forgotten plain text (the demo's has: perplexity 2.9 million), so what it makes of it says nothing of the compression.
    """
    from itertools import chain, zip_longest

    from groundup.data.folder import DataFolder
    from groundup.data.sources import tinyworld
    from groundup.tuning.supervised.conversations import to_messages

    if "documents" not in context.inputs:
        return (item.messages for item in tinyworld.instructions(context.recipe.seed, TEXTS, "heldout"))
    folder = DataFolder.open(context.inputs["documents"])
    talks = (to_messages(record) for record in chain(folder.instructions("heldout"), folder.instructions("train")[:TEXTS]))
    if {"tune", "align"} & context.models.keys() and folder.instructions("train"):
        return talks
    worlds: list[Iterator[Any]] = [
        (document.text for document in folder.documents(world, "heldout", TEXTS)) for world in folder.worlds
    ]
    worlds.append(talks)
    return (text for together in zip_longest(*worlds) for text in together if text is not None)
