"""Several models behind one port: a name is a folder until somebody asks for it.

    groundup serve runs/demo/model runs/other/model          names are the folders', or NAME=FOLDER

A model is loaded once, by the first request that names it (the others wait for the same load), in a thread, so that answers of other models go on.
Where more are named than `most_loaded`, the one that was not asked for longest and writes nothing now makes room; where all are writing, who asks for one
more waits until one is done, and hears 503 where none is in half a minute.
The first model is what a request without a name, or with the name "default", means; it is loaded at the start.
"""

import asyncio
import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundup.errors import ConfigError, GroundupError
from groundup.inference.decoding.constrained.masks import Vocabulary
from groundup.inference.engine import AsyncEngine, Engine, EngineConfig, Keeper
from groundup.inference.handle import Handle, end_of_turn, load
from groundup.serving.api import structured, tool_formats
from groundup.serving.api.adapters import Folders, divided, put_on, take_off
from groundup.serving.api.errors import ApiError
from groundup.serving.encoders import Judge, TextEncoder, read_pooling

THINKING = ("<think>", "</think>")


NUMBERS = itertools.count()
LOOK_AGAIN_S, WAIT_FOR_ROOM_S = 0.05, 30.0  # while all models are busy


class Served:
    """A model that is loaded: its handle, its engine (keeper: of its prefix cache), and what of its tokenizer the APIs ask again and again."""

    adapter: str | None = None  # what a request to the engine names

    def __init__(
        self, name: str, handle: Handle, config: EngineConfig | None = None, order: Any = None, keeper: Keeper | None = None
    ):
        self.name, self.handle, self.tokenizer, self.number = name, handle, handle.tokenizer, next(NUMBERS)
        self.created, self.used_s, self.busy = int(time.time()), time.monotonic(), 0
        self.template: str = getattr(self.tokenizer, "chat_template", None) or ""
        self.tool_format = tool_formats.of_template(self.template)
        self.thinks = THINKING[0] in self.template
        self.compiled = functools.lru_cache(maxsize=64)(self._compiled)
        self.tuned: dict[str, Tuned] = {}  # the same model under each of its adapters
        self._lock = threading.Lock()
        self._engine, self._config, self._order, self._keeper = None, config, order, keeper

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Within it the model stays."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

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
                self._engine = AsyncEngine(Engine(self.handle, self._config, **order), self._keeper)
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


class Tuned(Served):
    """A model that is loaded, under one of its adapters: all but the two names is the model's own. adapter: its name in the engine."""

    OWN = ("served", "name", "adapter", "encoder", "judge")

    def __init__(self, served: Served, name: str, adapter: str):
        self.served, self.name, self.adapter = served, name, adapter

    def __getattribute__(self, name: str) -> Any:
        """The model's own, but for what is asked of the adapter."""
        own = name in Tuned.OWN or name.startswith("__")
        return object.__getattribute__(self if own else object.__getattribute__(self, "served"), name)

    @property
    def encoder(self) -> Any:  # type: ignore[override]
        """No encoder: its thread would read the model without the adapter."""
        raise ApiError(
            400, f"the adapter '{self.name}' writes text alone; ask '{self.served.name}' for vectors", param="model"
        )

    judge = encoder


def _hold(served: Served) -> None:
    """Keep a model while the task that asked for it goes on: its prompt may be read still, and its engine not know of it."""
    task = asyncio.current_task()
    assert task is not None

    def let_go(_: Any) -> None:
        served.busy -= 1

    served.busy += 1
    task.add_done_callback(let_go)


class Models:
    """The models of a server by name. loader: folder -> handle. adapters: for a model's name the folders of its adapters by theirs.

    keeper: name -> who keeps its prefix cache over a restart, None: nobody.
    """

    def __init__(
        self,
        sources: Mapping[str, str | Path],
        *,
        loader: Callable[[Any], Handle] = load,
        config: EngineConfig | None = None,
        most_loaded: int = 4,
        order: Callable[[], Any] = lambda: None,
        adapters: Folders | None = None,
        keeper: Callable[[str], Keeper | None] = lambda name: None,
    ):
        if most_loaded < 1:
            raise ConfigError(f"max_models={most_loaded} leaves no room for a model; use 1 or more")
        self.sources, self.loader, self.config = dict(sources), loader, config
        self.most_loaded, self.order, self.keeper = most_loaded, order, keeper
        self.adapters = {model: dict(folders) for model, folders in (adapters or {}).items()}
        self.loaded: dict[str, Served] = {}
        self.created = int(time.time())
        self._loads: dict[str, asyncio.Task[Served]] = {}
        self._room, self._changing = asyncio.Lock(), asyncio.Lock()

    @property
    def default(self) -> str:
        """The first name."""
        return next(iter(self.sources))

    @property
    def parents(self) -> dict[str, str | None]:
        """All names that a request may say: of models (None) and of adapters, each with its model."""
        tuned = {name: model for model, folders in self.adapters.items() for name in folders}
        return dict.fromkeys(self.sources, None) | tuned

    def resolve(self, name: str | None) -> tuple[str, str | None]:
        """The model and the adapter that a request means; 404 with the names that there are."""
        if name in (None, "", "default"):
            return self.default, None
        assert name is not None
        return divided(name, self.sources, self.adapters)

    async def get(self, name: str | None) -> Served:
        """A model, loaded now if it was not; under the adapter that the name means."""
        name, adapter = self.resolve(name)
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
        return served if adapter is None else served.tuned[adapter]

    async def _load(self, name: str) -> Served:
        async with self._room:  # one after another: two that found the same free place would be one too many
            await self._make_room()
            try:
                handle = await asyncio.to_thread(self.loader, self.sources[name])
                keeper = self.keeper(name)
                served = Served(name, handle, self.config, self.order(), keeper)
                if keeper is not None and self.loaded and served.writes:  # others are being answered while its folder is read
                    await asyncio.to_thread(lambda: served.engine)
                for adapter, folder in self.adapters.get(name, {}).items():
                    await self._put_on(served, adapter, folder)
            except GroundupError as error:
                raise ApiError(
                    404, f"the model '{name}' cannot be loaded: {error}", param="model", code="model_not_found"
                ) from None
            self.loaded[name] = served
            return served

    async def _make_room(self) -> None:
        """Let models go until there is a place; where all are busy, wait for the first that is not, and after a while give up."""
        end_s = time.monotonic() + WAIT_FOR_ROOM_S
        while len(self.loaded) >= self.most_loaded:
            idle = [one for one in self.loaded.values() if not one.busy]  # anew: closing one takes its time
            if not idle and time.monotonic() > end_s:
                raise ApiError(
                    503,
                    f"this server holds {self.most_loaded} models at once and all are answering; ask again in a moment, or ask for {', '.join(self.loaded)}",
                    code="model_busy",
                    retry_after_s=5,
                )
            if not idle:
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            oldest = min(idle, key=lambda one: one.used_s)
            del self.loaded[oldest.name]
            if oldest.started is not None:
                await oldest.started.close()

    async def _put_on(self, served: Served, name: str, folder: str | Path) -> None:
        own = f"{name}-{next(NUMBERS)}".replace(".", "-")
        engine = await asyncio.to_thread(lambda: served.engine)
        await engine.between_steps(lambda: put_on(engine.engine, own, folder))
        served.tuned[name] = Tuned(served, name, own)

    async def add_adapter(self, model: str | None, name: str, folder: str | Path) -> None:
        """Offer one more adapter of a model from now on."""
        served = await self.get(model)
        async with self._changing:
            if name in self.parents or name == "default":
                raise ApiError(400, f"the name '{name}' is taken; unload what has it, or choose another", param="lora_name")
            await self._put_on(served, name, folder)
            self.adapters.setdefault(served.name, {})[name] = folder

    async def remove_adapter(self, name: str) -> None:
        """Offer an adapter no longer; refused while answers are written under it."""
        model, adapter = self.resolve(name)
        if adapter is None:
            raise ApiError(400, f"'{name}' is a model and no adapter; name one of /v1/models with a parent", param="lora_name")
        async with self._changing:
            if (served := self.loaded.get(model)) is not None and adapter in served.tuned:
                engine, own = served.engine, str(served.tuned[adapter].adapter)
                await engine.between_steps(lambda: take_off(engine.engine, own))
                del served.tuned[adapter]
            self.adapters[model].pop(adapter, None)

    async def close(self) -> None:
        """Let every engine finish what it began."""
        for served in list(self.loaded.values()):
            if served.started is not None:
                await served.started.close()
