"""Compiled steps kept on disk for the next process, thrown away when a file changes whose functions are in them.

Numba keeps compiled code in `__pycache__`, for each processor apart, and looks at the time that the function's own file was changed.
A step is made of functions of several files, so its age here is that of the newest of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from groundup.text.compiled import together

PARTS = [Path(__file__).with_name(f"{name}.py") for name in "attention instructions kernels pages products".split()]


def entry(*, parallel: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that Python calls, lazily; parallel: its `prange` runs on several threads."""

    def make(function: Callable[..., Any]) -> Any:
        made = (together() if parallel else numba.njit(nogil=True, cache=True))(function)
        index: Any = getattr(
            getattr(made, "_cache", None), "_cache_file", None
        )  # no part of Numba's promises: without it
        if hasattr(index, "_source_stamp"):  # only the function's own file counts
            index._source_stamp = tuple((path.stat().st_mtime, path.stat().st_size) for path in PARTS)
        return made

    return make
