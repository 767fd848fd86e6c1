"""The engine: requests come and go while a model writes for all of them, one step at a time.

    add(request) -> waiting ──schedule──> running ──run──> scores ──postprocess──> events, and back to running or gone

A step gives every text that is being written its next token, and reads a piece of the prompts that came in ("continuous batching":
Yu et al. 2022, Orca, OSDI, section 3.1). Who gets what is decided in `scheduling.py`, who computes it in `runners.py`, what is drawn
in `drawing.py`; nothing here knows text, time or HTTP.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from groundup.errors import GroundupError, InputError, did_you_mean
from groundup.inference.engine import scheduling
from groundup.inference.engine.choosing import runner_for
from groundup.inference.engine.drawing import Drawn, draw_all
from groundup.inference.engine.postprocess import advance, event_of, failed, score_prompt
from groundup.inference.engine.requests import EngineConfig, Event, Request
from groundup.inference.engine.row import Row
from groundup.inference.engine.runners import Adapters, Piece, Read, speaking
from groundup.model.encoder_decoder import Answering, EncoderDecoder

Order = Callable[[list[Row]], Iterable[Row]]


def by_priority(waiting: list[Row]) -> list[Row]:
    """The order in which rows are let in: the highest priority first, then who came first."""
    return sorted(waiting, key=lambda row: (-row.request.priority, row.number))


class Engine:
    """Writes for many at once. Not for several threads: `asynchronous.AsyncEngine` has one that steps.

    handle: what `groundup.load` gives, or anything with a `.module`. order: who is let in first among those that wait.
    """

    def __init__(self, handle: Any, config: EngineConfig | None = None, order: Order = by_priority):
        self.handle, self.module = handle, handle.module
        self.config = EngineConfig() if config is None else config
        self.order = order
        self.runner = runner_for(self.module, self.config)
        self.portion = self.config.portion if self.config.deterministic else 0
        self.waiting: list[Row] = []
        self.running: list[Row] = []
        self.rows: dict[str, Row] = {}  # all of them, by name
        self.told: list[Event] = []  # events that wait for the next step
        self.numbers = itertools.count()
        self.counted = dict.fromkeys(
            ("steps", "preemptions", "prompt_tokens", "cached_tokens", "generated_tokens", "requests"), 0
        )
        self.finished = dict.fromkeys(("stop", "length", "cancelled", "error"), 0)

    @property
    def adapters(self) -> Adapters | None:
        """The adapters that stand on the module, of which a request may name one; None: there are none. Set between two steps."""
        return self.runner.adapters

    @adapters.setter
    def adapters(self, adapters: Adapters | None) -> None:
        """Which may be named from the next step on."""
        self.runner.adapters = adapters

    @property
    def has_work(self) -> bool:
        """Whether a step would do something."""
        return bool(self.rows or self.told)

    def check(self, request: Request) -> None:
        """Refuse what can never be answered; a sentence says why. May be called from any thread."""
        context, prompt = self.module.config.max_position_embeddings, len(request.prompt_ids)
        if (name := request.adapter) is not None and name not in (known := self.adapters.names if self.adapters else ()):
            raise InputError(
                f"there is no adapter {name!r}; {did_you_mean(name, known) if known else 'leave adapter out'}"
            )
        if outside := [id for id in request.prompt_ids if not 0 <= id < self.module.config.vocab_size]:
            raise InputError(
                f"token {outside[0]} is not in the vocabulary of {self.module.config.vocab_size}; encode with the model's own tokenizer"
            )
        if isinstance(self.module, EncoderDecoder):
            return
        if prompt >= context:
            raise InputError(
                f"the prompt has {prompt} tokens but the model's context is {context}, answer included; "
                f"shorten it by at least {prompt - context + 1} tokens"
            )
        room = self.runner.pages * self.runner.page_size
        if (length := min(context, prompt + request.sampling.max_new_tokens)) > room:
            raise InputError(
                f"{prompt} tokens and an answer of up to {length - prompt} do not fit into the {room} tokens that there are pages for; "
                "ask for less, or give the engine more pages"
            )

    def add(self, request: Request) -> str:
        """Take a request in; its name."""
        self.check(request)
        number = next(self.numbers)
        name = f"request-{number}" if request.request_id is None else request.request_id
        if name in self.rows:
            raise InputError(f"there is a request {name!r} already; give each a name of its own, or none")
        row = Row(request, name, number, time.monotonic(), self.module.config.max_position_embeddings)
        if isinstance(self.module, EncoderDecoder):
            self._read_source(row)
        self.rows[name] = row
        self.waiting.append(row)
        self.counted["requests"] += 1
        return name

    @torch.inference_mode()
    def _read_source(self, row: Row) -> None:
        """The prompt of an encoder-decoder is read at once; its answer then begins with the token that begins all answers."""
        config, ids = self.module.config, torch.tensor([row.ids], device=self.module.device)
        with speaking(self.adapters, [row.request.adapter]):
            row.module, row.source = Answering(self.module, self.module.read(ids)), len(row.ids)
        generation = getattr(self.handle, "generation", {})
        row.ids = [generation.get("decoder_start_token_id", config.decoder_start_token_id)]
        room = self.runner.pages * self.runner.page_size
        row.prompt, row.limit = 1, min(1 + row.request.sampling.max_new_tokens, room)

    def cancel(self, name: str) -> bool:
        """Stop a request; its pages are free at once, and its last event comes with the next step. False: there is none."""
        row = self.rows.get(name)
        if row is None:
            return False
        self.told.append(event_of(row, "cancelled"))
        self._drop(row, "cancelled")
        return True

    def takes(self, request: Request) -> bool:
        """Whether this request could be written now, with nobody else here."""
        try:
            self.check(request)
        except GroundupError:
            return False
        return not self.has_work

    def write(self, request: Request) -> Iterator[int]:
        """The ids of one request as they come, with nobody else here; whoever leaves cancels it."""
        assert not self.has_work, "one text at a time"
        name, done = self.add(request), False
        try:
            while not done:
                for event in self.step():
                    yield from event.ids
                    if event.finish_reason == "error":
                        raise InputError(event.message)
                    done = event.finish_reason is not None
        finally:
            if self.cancel(name):
                self.step()

    @torch.inference_mode()
    def step(self) -> list[Event]:
        """Schedule, run, postprocess: what this step added to whom."""
        events, self.told = self.told, []
        pieces = self.schedule()
        if not pieces:
            return events
        self.counted["steps"] += 1
        try:
            read = self.runner.run(pieces)
        except Exception as error:  # the model itself failed: those who were in this step are told, the engine goes on
            return events + [self._end(piece.row, failed(piece.row, error)) for piece in pieces]
        return events + self.postprocess(pieces, read)

    def schedule(self) -> list[Piece]:
        """Which tokens of whom the step reads."""
        budget = self.config.max_tokens_a_step
        rows = by_priority(self.running)
        pieces = []
        for row, given in zip(rows, scheduling.share_budget([row.wanted for row in rows], budget), strict=True):
            count = self._portion(row, given)
            if count and row in self.running and self._make_room(row, row.computed + count):
                pieces.append(Piece(row, count))
        budget -= sum(piece.size for piece in pieces)
        for row in list(self.order(list(self.waiting))):
            if budget <= 0 or not self._let_in(row):
                break
            if count := self._portion(row, min(row.wanted, budget)):
                pieces.append(Piece(row, count))
            budget -= count
        # a higher priority may have pushed one out, also where that was not enough to let it in
        return [piece for piece in pieces if piece.row in self.running]

    def _portion(self, row: Row, given: int) -> int:
        """How many of the tokens that it was given a row reads: all, or where shapes are fixed a whole portion or none.

        Then prompts are cut at the multiples of `portion`, and what was written before a row was pushed out is read again token by token.
        """
        if not self.portion or not given:
            return given
        left = row.prompt - row.computed
        whole = 1 if left <= 0 else min(left, self.portion - row.computed % self.portion)
        return whole if given >= whole else 0

    def _make_room(self, row: Row, tokens: int) -> bool:
        """Get pages for a running row, from those that came later if need be; False: it had to leave itself."""
        while not self.runner.reserve(row, tokens):
            victim = self._victim()
            self._push_out(victim)
            if victim is row:
                return False
        return True

    def _let_in(self, row: Row) -> bool:
        """Let a waiting row run, if there is a place and pages for all it has; else those of lower priority may have to leave."""
        while True:
            if len(self.running) < self.config.max_rows:
                known = self.runner.begin(row)
                spare = len(self.running) if self.running else 0  # a page for each that is being written
                if self.runner.free >= spare and self.runner.reserve(row, len(row.ids)) and self.runner.free >= spare:
                    break
                self.runner.release(row)
            if not self.running or (victim := self._victim()).request.priority >= row.request.priority:
                return False
            self._push_out(victim)
        self.waiting.remove(row)
        self.running.append(row)
        row.computed = known
        if not row.began:
            row.began, row.cached = True, known
            self.runner.let_in(row)
            self.counted["cached_tokens"] += known
            self.counted["prompt_tokens"] += row.prompt
        return True

    def _victim(self) -> Row:
        standings = [scheduling.Standing(row.request.priority, row.number) for row in self.running]
        return self.running[scheduling.whom_to_push_out(standings)]

    def _push_out(self, row: Row) -> None:
        """Take a row's pages; it waits, and will be read again."""
        self.runner.release(row)
        self.running.remove(row)
        row.computed = 0
        self.waiting.append(row)
        self.counted["preemptions"] += 1

    def fail(self, error: Exception) -> list[Event]:
        """End everything with an error: what cannot be blamed on one request, such as an order that cannot be used."""
        return [self._end(row, failed(row, error)) for row in list(self.rows.values())]

    def postprocess(self, pieces: list[Piece], read: Read) -> list[Event]:
        """Move on what was read; draw for those that were read to their end."""
        ready = []
        for place, piece in enumerate(pieces):
            if piece.wants_all:
                with speaking(self.adapters, [piece.row.request.adapter]):
                    score_prompt(piece, read.hidden[place], self.module)
            piece.row.computed += piece.size
            if not piece.row.wanted:
                ready.append(place)
        rows = [pieces[place].row for place in ready]
        drawn = draw_all(rows, read.logits[ready], alone=self.config.deterministic)
        return [self._told(row, one, read.hidden[place]) for place, row, one in zip(ready, rows, drawn, strict=True)]

    def _told(self, row: Row, drawn: Drawn, hidden: Any) -> Event:
        """The event of a row that has a new token."""
        event = failed(row, drawn.error) if drawn.error is not None else advance(row, drawn, hidden)
        self.counted["generated_tokens"] += len(event.ids)
        return event if event.finish_reason is None else self._end(row, event)

    def _end(self, row: Row, event: Event) -> Event:
        self._drop(row, event.finish_reason or "error")
        return event

    def _drop(self, row: Row, reason: str) -> None:
        """A row is gone, and its pages are free."""
        if row in self.running:
            self.runner.release(row)
            self.running.remove(row)
        else:
            self.waiting.remove(row)
        del self.rows[row.name]
        self.finished[reason] += 1

    def stats(self) -> dict[str, Any]:
        """Figures: what is there now, and what was counted since the beginning."""
        return {
            "running": len(self.running),
            "waiting": len(self.waiting),
            "pages": self.runner.pages,
            "free_pages": self.runner.free,
            "page_size": self.runner.page_size,
            "finished": dict(self.finished),
            "evicted_pages": self.runner.evicted,
            **self.counted,
        }
