"""A function of a module watched while it runs: between two layers there are tensors that no forward hook sees.

Attention's queries meet its keys inside a function, not a submodule. While the context lasts the module's name stands for
a function that is told of every call; afterwards the old one is back, whatever happened. Not for several threads.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def watched(module: ModuleType, name: str, told: Callable[..., None]) -> Iterator[None]:
    """Call `told(result, *arguments)` after each call of `module.name` made through that module."""
    original = getattr(module, name)

    def function(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        told(result, *arguments, **named)
        return result

    setattr(module, name, function)
    try:
        yield
    finally:
        setattr(module, name, original)
