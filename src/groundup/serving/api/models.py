"""Several models behind one port: a name is a folder until somebody asks for it.

    groundup serve runs/demo/model runs/other/model          names are the folders', or NAME=FOLDER

A model is loaded once, by the first request that names it (the others wait for the same load), in a thread, so that answers of other models go on.
Where more are named than `most_loaded`, the one that was not asked for longest and writes nothing now makes room.
The first model is what a request without a name, or with the name "default", means; it is loaded at the start.
"""

import asyncio
import functools
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from groundup.errors import ConfigError, GroundupError
from groundup.inference.decoding.constrained.masks import Vocabulary
from groundup.inference.engine import AsyncEngine, Engine, EngineConfig
from groundup.inference.handle import Handle, end_of_turn, load
from groundup.serving.api import adapters, structured, tool_formats
from groundup.serving.api.errors import ApiError
from groundup.serving.encoders import Judge, TextEncoder, read_pooling

THINKING = ("<think>", "</think>")


NUMBERS = itertools.count()


class Served:
    """A model that is loaded: its handle, its engine, and what of its tokenizer the APIs ask again and again."""

    def __init__(self, name: str, handle: Handle, config: EngineConfig | None = None, order: Any = None):
        self.name, self.handle, self.tokenizer, self.number = name, handle, handle.tokenizer, next(NUMBERS)
        self.created, self.used_s, self.busy = int(time.time()), time.monotonic(), 0
        self.template: str = getattr(self.tokenizer, "chat_template", None) or ""
        self.tool_format = tool_formats.of_template(self.template)
        self.thinks = THINKING[0] in self.template
        self.compiled = functools.lru_cache(maxsize=64)(self._compiled)
        self._lock = threading.Lock()
        self._engine, self._config, self._order = None, config, order

    @functools.cached_property
    def writes(self) -> bool:
        """Whether it writes text at all (an encoder and a classifier do not)."""
        return bool(getattr(self.handle.config, "writes", True))

    @property
    def engine(self) -> AsyncEngine:
        """The engine, made when the first text is to be written."""
        with self._lock:
            if self._engine is None:
                self.handle._must_write()
                order = {} if self._order is None else {"order": self._order}
                self._engine = AsyncEngine(Engine(self.handle, self._config, **order))
            return self._engine

    @property
    def started(self) -> AsyncEngine | None:
        """The engine, where there is one already."""
        return self._engine

    @property
    def context(self) -> int:
        """Tokens that fit, answer included."""
        return int(self.handle.config.max_position_embeddings)

    @functools.cached_property
    def ends(self) -> frozenset[int]:
        """Tokens that end a text."""
        return frozenset(self.handle.stop_ids())

    @functools.cached_property
    def turn_ends(self) -> frozenset[int]:
        """Tokens that end an answer in a conversation."""
        return self.ends | frozenset(end_of_turn(self.tokenizer))

    @functools.cached_property
    def _guide(self) -> structured.Guide | structured.OwnGuide:
        return structured.guide_for(
            Vocabulary.of(self.tokenizer, self.handle.config.vocab_size, self.turn_ends if self.template else self.ends)
        )

    @functools.cached_property
    def encoder(self) -> Any:
        """The model as an encoder of texts, pooled as its folder says."""
        folder = self.handle.folder
        return TextEncoder(self.handle.module, self.tokenizer, read_pooling(folder) if folder else None)

    @functools.cached_property
    def judge(self) -> Any:
        """The model as a judge of texts, where it has a head for that."""
        return Judge(self.handle.module, self.tokenizer)

    def _compiled(self, wanted: structured.Wanted) -> Any:
        with self._lock:
            guide = self._guide
        return structured.compiled(guide, wanted)

    def control_ids(self, spelled: tuple[str, ...]) -> frozenset[int]:
        """The control tokens among these words: they are part of an answer's text, where others are silent."""
        return frozenset(id for word, id in self.tokenizer.special_tokens.items() if word in spelled)


def _hold(served: Served) -> None:
    """Keep a model while the task that asked for it goes on: its prompt may be read still, and its engine not know of it."""
    task = asyncio.current_task()
    assert task is not None

    def let_go(_: Any) -> None:
        served.busy -= 1

    served.busy += 1
    task.add_done_callback(let_go)


class Models:
    """The models of a server by name. loader: folder -> handle."""

    def __init__(
        self,
        sources: Mapping[str, str | Path],
        *,
        loader: Callable[[Any], Handle] = load,
        config: EngineConfig | None = None,
        most_loaded: int = 4,
        order: Callable[[], Any] = lambda: None,
    ):
        if most_loaded < 1:
            raise ConfigError(f"max_models={most_loaded} leaves no room for a model; use 1 or more")
        self.sources, self.loader, self.config = dict(sources), loader, config
        self.most_loaded, self.order = most_loaded, order
        self.loaded: dict[str, Served] = {}
        self.created = int(time.time())
        self._loads: dict[str, asyncio.Task[Served]] = {}

    @property
    def default(self) -> str:
        """The first name."""
        return next(iter(self.sources))

    def resolve(self, name: str | None) -> str:
        """The model that a request means; 404 with the names that there are."""
        if name in (None, "", "default"):
            return self.default
        name, adapter = adapters.divided(name, self.sources)
        assert name is not None
        if name not in self.sources:
            raise ApiError(
                404,
                f"The model '{name}' does not exist; this server has {', '.join(self.sources)}",
                param="model",
                code="model_not_found",
            )
        adapters.check(name, adapter)
        return name

    async def get(self, name: str | None) -> Served:
        """A model, loaded now if it was not."""
        name = self.resolve(name)
        if name not in self.loaded:
            if name not in self._loads:
                self._loads[name] = asyncio.create_task(self._load(name))
            try:
                served = await asyncio.shield(self._loads[name])  # another load may have taken its room already
            finally:
                if name in self._loads and self._loads[name].done():
                    del self._loads[name]
        else:
            served = self.loaded[name]
        served.used_s = time.monotonic()
        _hold(served)
        return served

    async def _load(self, name: str) -> Served:
        await self._make_room()
        try:
            handle = await asyncio.to_thread(self.loader, self.sources[name])
        except GroundupError as error:
            raise ApiError(
                404, f"the model '{name}' cannot be loaded: {error}", param="model", code="model_not_found"
            ) from None
        self.loaded[name] = served = Served(name, handle, self.config, self.order())
        return served

    async def _make_room(self) -> None:
        while len(self.loaded) >= self.most_loaded:
            idle = [one for one in self.loaded.values() if not one.busy]  # anew: closing one takes its time
            if not idle:
                return
            oldest = min(idle, key=lambda one: one.used_s)
            del self.loaded[oldest.name]
            if oldest.started is not None:
                await oldest.started.close()

    async def close(self) -> None:
        """Let every engine finish what it began."""
        for served in list(self.loaded.values()):
            if served.started is not None:
                await served.started.close()
