"""What stands in the place of a frozen layer: it lets the adapters change what the layer gives, those that are active, or for each row of a batch its own.

    rows ["a", None, "b", "a"]      y = W x for all of them, the frozen matrix read once; then y += s B A x for the rows of a, and for those of b

Several texts of different adapters go through one model at once so, each with what it gets alone: Sheng et al. 2023 (S-LoRA), arXiv:2311.03285.
Left out: the thin matrices of all adapters in one gathered product.
"""

import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from groundup.errors import InputError


class Switch:
    """What all places of one model look at: which adapters speak, and for which rows, which each thread sets for itself."""

    def __init__(self) -> None:
        self.active: tuple[str, ...] = ()
        self._own = threading.local()  # an engine may write for some rows while another thread reads the same model

    def __getstate__(self) -> dict[str, Any]:
        """A copy of a model has the same adapters speaking, and no thread's rows."""
        return {"active": self.active}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.active, self._own = state["active"], threading.local()

    @property
    def rows(self) -> "Rows | None":
        """Whose row is whose, in this thread; None: the active ones speak for all."""
        return getattr(self._own, "rows", None)

    @rows.setter
    def rows(self, rows: "Rows | None") -> None:
        """For this thread alone."""
        self._own.rows = rows


class Rows:
    """An adapter's name for each row of a batch, or for each token of several texts that stand behind each other in one row; one name: for all."""

    def __init__(self, names: Sequence[str | None]):
        self.names = tuple(names)
        self.distinct = tuple(dict.fromkeys(names))
        self.places: dict[str | None, Tensor] = {}

    def of(self, name: str | None, device: Any) -> Tensor:
        """The rows of one adapter."""
        if name not in self.places:
            self.places[name] = torch.tensor(
                [place for place, one in enumerate(self.names) if one == name], device=device
            )
        return self.places[name]

    def axis(self, x: Tensor) -> int:
        """Along which axis the rows lie."""
        axis = 1 if len(x) == 1 and x.dim() > 2 else 0
        if x.shape[axis] != len(self.names):
            raise InputError(
                f"{len(self.names)} adapters were named for {x.shape[axis]} rows; name one a row, None for the base alone"
            )
        return axis


class Around(nn.Module):
    """Stands where the base had a layer, and lets the active adapters change what it gives."""

    def __init__(self, layer: nn.Module, switch: Switch):
        super().__init__()
        self.base_layer: Any = layer
        self.parts = nn.ModuleDict()
        self.switch = switch

    def __getattr__(self, name: str) -> Any:
        """What a block asks of its part besides calling it, such as a window."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "base_layer":
                raise
            return getattr(super().__getattr__("base_layer"), name)

    def forward(self, x: Tensor, *more: Any, **named: Any) -> Tensor:
        """The layer's output as the active adapters change it."""
        if (rows := self.switch.rows) is not None:
            return self._by_rows(rows, x, *more, **named)
        return self._through(self.switch.active, x, *more, **named)

    def _through(self, names: Sequence[str], x: Tensor, *more: Any, **named: Any) -> Tensor:
        layer: Any = self.base_layer
        for name in names:
            if name in self.parts:
                layer = Stacked(self.parts[name], layer)
        return layer(x, *more, **named)

    def _by_rows(self, rows: Rows, x: Tensor, *more: Any, **named: Any) -> Tensor:
        if more or named:
            raise InputError(
                "one adapter a row is for matrices (LoRA, DoRA, AdaLoRA, IA3); load the others one at a time"
            )
        names = dict.fromkeys(name if name is not None and name in self.parts else None for name in rows.distinct)
        parts = {name: self.parts[name] for name in names if name is not None}
        axis = 0 if len(rows.names) == 1 else rows.axis(x)
        if len(rows.distinct) == 1 or not parts:
            return self._through([*parts], x)
        beside = all(getattr(part, "adds", False) for part in parts.values())  # then the frozen matrix is read once
        found = self.base_layer(x) if beside or None in names else None
        for name, part in parts.items():
            places = rows.of(name, x.device)
            mine = None if found is None else found.index_select(axis, places)
            layer = (lambda _, mine=mine: mine) if beside else self.base_layer
            made = part(x.index_select(axis, places), layer)
            if found is None:
                found = made.new_empty(*x.shape[:-1], made.shape[-1])
            found = found.index_copy(axis, places, made)
        assert found is not None
        return found


class Stacked:
    """An adapter on a layer, called as the layer is."""

    def __init__(self, part: Any, layer: Any):
        self.part, self.layer = part, layer

    def __call__(self, x: Tensor, *more: Any, **named: Any) -> Tensor:
        """What the adapter makes of the layer."""
        if not more and not named:
            return self.part(x, self.layer)
        return self.part(x, lambda value: self.layer(value, *more, **named))
