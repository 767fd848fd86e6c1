"""Which runner an engine gets, and how many pages: by what the model is made of and how much memory may be used."""

from typing import Any

import torch

from groundup.errors import ConfigError
from groundup.inference.cache import ragged
from groundup.inference.cache.paged import PagePool
from groundup.inference.compiled import choose
from groundup.inference.engine.paged import WRITERS, PagedRunner
from groundup.inference.engine.requests import EngineConfig
from groundup.inference.engine.runners import RowsRunner, Runner

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def runner_for(module: Any, config: EngineConfig) -> Runner:
    """What computes for this module."""
    if ragged.refused(module) is not None:
        return RowsRunner(module, pages_for(module, config), config.page_size)
    lowered = lowered_for(module, config)
    dtype = _dtype(config.dtype) or module.compute_dtype
    extra = WRITERS - 1 if config.deterministic else 0
    pool = PagePool.of(
        module,
        pages=pages_for(module, config, dtype) + extra,
        rows=config.max_rows + extra,
        page_size=config.page_size,
        dtype=dtype,
    )
    portion = config.portion if config.deterministic else 0
    return PagedRunner(module, pool, prefixes=config.prefix_cache, portion=portion, lowered=lowered)


def lowered_for(module: Any, config: EngineConfig) -> Any:
    """The module's compiled step, as the configuration asks; None where torch computes."""
    if (codec := codec_for(module, config)) is None:
        return None
    from groundup.inference.compiled.step import lower

    return lower(module, codec, threads=config.threads, rows=min(config.max_rows, 16))


def codec_for(module: Any, config: EngineConfig) -> str | None:
    """The weights of the compiled step; "auto" takes it where it computes as the module does, in bf16 on a CPU."""
    if config.compiled != "auto":
        return config.compiled
    if module.compute_dtype != torch.bfloat16 or choose.why_not(module, "auto") is not None:
        return None
    return choose.codec_for(module) if choose.codec_for(module) == "bf16" else None


def _dtype(name: str | None) -> torch.dtype | None:
    if name is not None and name not in DTYPES:
        raise ConfigError(f"keys and values cannot be kept in {name!r}; use {' or '.join(DTYPES)}, or leave dtype out")
    return None if name is None else DTYPES[name]


def pages_for(module: Any, config: EngineConfig, dtype: torch.dtype | None = None) -> int:
    """As many pages as were asked for, else as many as all rows may ever need, as far as they fit into the memory."""
    if config.pages is not None:
        return config.pages
    context = min(getattr(module.config, "max_position_embeddings", 4096), 1 << 20)
    enough = config.max_rows * -(-context // config.page_size)
    if dtype is None:
        return enough
    blocks = module.config.blueprint().blocks
    token = sum(sum(block.attention.cache_widths) for block in blocks) * dtype.itemsize
    return max(1, min(enough, config.memory_bytes // (token * config.page_size)))
