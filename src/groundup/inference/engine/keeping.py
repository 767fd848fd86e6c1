"""The prefix cache of an engine over restarts: restored before the first request, saved when it changed, and no answer waits for that.

    keeper = Keeper("cache/demo", save_every_s=300)
    engine = AsyncEngine(Engine(handle), keeper)      what the folder holds is known
    await engine.close()                              what was read since is in the folder

Between two steps the engine's thread copies some pages, milliseconds at a time (`cache.saved.copied`); a thread of the keeper's own writes the copy, so for
as long as that takes the kept pages are in memory twice. Nothing about the folder keeps an engine from starting or from ending: what is wrong is said in
one sentence, and the cache begins empty.

Texts under an adapter are left out, since after a restart its name may mean another one.
"""

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import ConfigError, GroundupError
from groundup.inference.cache.saved import (
    Between,
    at_once,
    copied,
    fingerprint,
    in_order,
    must_be_replaceable,
    restore,
    write,
)
from groundup.inference.engine.engine import Engine
from groundup.inference.engine.requests import CODECS

PLAIN = ""  # the salt of texts without an adapter


def identity(engine: Engine) -> str:
    """What made an engine's pages: the weights, the codec in which they are read, and how prompts are cut where every bit counts."""
    config = engine.config
    codec = config.compiled if config.compiled in CODECS else "as they are"
    return f"{fingerprint(engine.module)}, {codec}, {engine.portion or 'any'}"


class Keeper:
    """One engine's prefix cache in a folder.

    folder: its own; made when something is saved first. save_every_s: seconds from one save to the next, 0: only at the end. say: hears what was done and
    what was wrong, a sentence each.
    """

    def __init__(self, folder: str | Path, *, save_every_s: float = 300.0, say: Callable[[str], Any] = print):
        if not (math.isfinite(save_every_s) and save_every_s >= 0):
            raise ConfigError(f"save_every_s={save_every_s} cannot be; use seconds, or 0 for only at the end")
        self.folder, self.save_every_s = Path(folder), save_every_s
        self.name, self._tell, self._wrong = self.folder.name, say, ""
        self.prefixes: Any = None  # None: nothing can be kept
        self.model = ""
        self.restored_pages = self.saved_pages = self.saves = self.page_size = 0
        self._known: frozenset[int] = frozenset()  # what the folder holds, by the names of the nodes
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def restore(self, engine: Engine) -> None:
        """Take what the folder holds into an engine that has not begun; nothing where it cannot be used, and why is said."""
        prefixes = getattr(engine.runner, "prefixes", None)
        if prefixes is None:
            return self._say("nothing is kept, since this model, or its settings, has no prefix cache")
        try:
            must_be_replaceable(self.folder)
            self.model = identity(engine)
        except Exception as error:
            return self._say(f"nothing is kept: {self._sentence(error)}")
        self.prefixes, self.page_size = prefixes, prefixes.pool.page_size
        try:
            if self._is_there():
                self.restored_pages = restore(prefixes, self.folder, self.model, PLAIN)
                self._say(f"{self._amount(self.restored_pages)} restored from {self.folder}")
        except Exception as error:  # whatever is wrong with a file, the server starts
            prefixes.clear()
            self._say(f"it begins empty, and the next save replaces the folder: {self._sentence(error)}")
        self._known = frozenset(in_order(prefixes, PLAIN))

    def _is_there(self) -> bool:
        """Whether there is a saved cache, one whose writer was killed included."""
        if self.folder.parent.is_dir():
            files.recover(self.folder)
        return self.folder.is_dir()

    def begin(self, between: Between) -> None:
        """Save every so often from now on. between: does something where no step of the engine runs."""
        if self.prefixes is None or not self.save_every_s or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._work, args=(between,), name="groundup-keeper", daemon=True)
        self._thread.start()

    def _work(self, between: Between) -> None:
        while not self._ending.wait(min(self.save_every_s, threading.TIMEOUT_MAX)):
            self.save(between)

    def stop(self) -> None:
        """Save no more by itself; what is being saved is finished."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def save(self, between: Between = at_once) -> None:
        """Write what is kept, if it is not what the folder holds; what is wrong is said, once as long as it lasts."""
        if self.prefixes is None:
            return
        try:
            names = between(lambda: in_order(self.prefixes, PLAIN))
            if self._known == frozenset(names):
                return
            copy = copied(self.prefixes, names, between)
            pages = write(copy, self.folder, self.model)
        except Exception as error:
            if (wrong := self._sentence(error)) != self._wrong:
                self._wrong = wrong
                self._say(f"it is not saved: {wrong}")
            return
        self._known, self._wrong = frozenset(copy.names), ""
        self.saved_pages, self.saves = pages, self.saves + 1
        self._say(f"{self._amount(pages)} saved in {self.folder}")

    def _amount(self, pages: int) -> str:
        return f"{pages} pages of read prompts ({pages * self.page_size} tokens)"

    def _sentence(self, error: Exception) -> str:
        """Of an error; of one that is not ours only its kind, since its words may hold what somebody asked."""
        if isinstance(error, GroundupError):
            return str(error)
        return f"{self.folder} cannot be used ({type(error).__name__}); look at its files, or name another folder"

    def _say(self, line: str) -> None:
        self._tell(f"prefix cache of {self.name}: {line}")

    def stats(self) -> dict[str, int]:
        """Tokens that the folder gave at the start, tokens of the last save, and how many saves there were."""
        size = self.page_size
        return {"restored_tokens": self.restored_pages * size, "saved_tokens": self.saved_pages * size, "cache_saves": self.saves}
