"""Which runner an engine gets, and how many pages: by what the model is made of and how much memory may be used."""

from typing import Any

import torch

from groundup.errors import ConfigError, UnsupportedModel
from groundup.inference.cache import ragged
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.quantized import CODECS, QuantizedPool
from groundup.inference.compiled import choose
from groundup.inference.engine.paged import WRITERS, PagedRunner
from groundup.inference.engine.requests import EngineConfig
from groundup.inference.engine.runners import RowsRunner, Runner

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def runner_for(module: Any, config: EngineConfig) -> Runner:
    """What computes for this module."""
    if config.dtype is not None and config.dtype not in (*DTYPES, *CODECS):
        raise ConfigError(
            f"keys and values cannot be kept in {config.dtype!r}; use {', '.join((*DTYPES, *CODECS))}, or leave dtype out"
        )
    if (part := ragged.refused(module)) is not None:
        if config.dtype is not None:
            raise ConfigError(f"dtype={config.dtype!r} is for pages, but this model has {part}; leave dtype out")
        return RowsRunner(module, pages_for(module, config), config.page_size)
    lowered = lowered_for(module, config)
    extra = WRITERS - 1 if config.deterministic else 0
    pool = pool_for(module, config, extra)
    portion = config.portion if config.deterministic else 0
    return PagedRunner(module, pool, prefixes=config.prefix_cache, portion=portion, lowered=lowered)


def pool_for(module: Any, config: EngineConfig, extra: int = 0) -> PagePool:
    """The pages, and so many more rows with a page each."""
    rows, kept = config.max_rows + extra, config.dtype
    if kept in CODECS:
        pages = pages_for(module, config, 1.0 if kept == "int8" else 0.5) + extra
        return QuantizedPool.of(module, pages=pages, rows=rows, page_size=config.page_size, codec=kept)
    dtype = module.compute_dtype if kept is None else DTYPES[kept]
    pages = pages_for(module, config, dtype.itemsize) + extra
    return PagePool.of(module, pages=pages, rows=rows, page_size=config.page_size, dtype=dtype)


def lowered_for(module: Any, config: EngineConfig) -> Any:
    """The module's compiled step, as the configuration asks; None where torch computes.

    "auto" takes it where it is faster. Where answers must be the same bits in every run, no clock decides: bf16 weights are lowered, others not.
    """
    if config.compiled is None or (config.compiled == "auto" and config.dtype in CODECS):
        return None
    if config.dtype in CODECS:
        raise ConfigError(
            f"the compiled step reads no {config.dtype} pages; leave compiled={config.compiled!r} or dtype={config.dtype!r} out"
        )
    sizes: Any = {"threads": config.threads, "rows": min(config.max_rows, 16)}
    if config.compiled == "auto":
        codec = choose.codec_for(module) if config.deterministic else "auto"
        return None if codec == "f32" else choose.decoder_for(module, codec, **sizes)
    if (part := choose.why_not(module, config.compiled)) is not None:
        raise UnsupportedModel(
            f"the compiled step cannot read a model with {part}; leave compiled={config.compiled!r} out"
        )
    return choose.lower(module, config.compiled, **sizes)


def pages_for(module: Any, config: EngineConfig, number_bytes: float | None = None) -> int:
    """As many pages as were asked for, else as many as all rows may ever need, as far as they fit into the memory."""
    if config.pages is not None:
        return config.pages
    context = min(getattr(module.config, "max_position_embeddings", 4096), 1 << 20)
    enough = config.max_rows * -(-context // config.page_size)
    if number_bytes is None:
        return enough
    blocks = module.config.blueprint().blocks
    token = sum(sum(block.attention.cache_widths) for block in blocks) * number_bytes
    return max(1, min(enough, int(config.memory_bytes / (token * config.page_size))))
