"""A few steps of a run watched by torch.profiler, and what it saw turned into `profile.Operation`s.

The watcher is a listener: after the warm-up it opens the profiler at the end of one step and closes it some steps later, so
that whole steps are seen, loading of data included. While it is open the modules of the model carry marks with the name
of their part; they are taken off again, and outside these steps nothing is different. On a card the times are those
in which Python launched the operations, not those in which the card ran them.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, record_function

from groundup.training.monitor.profile import Operation, Profile, product_flops, summarize, write

MARK = "groundup:"
LISTENERS = f"{MARK}listeners"
AFTER = {LISTENERS: "rest", f"{MARK}data": "embedding and norms"}  # a mark -> the part of what follows it under no mark
WARM, STEPS = 5, 3
BACKWARD = "autograd::engine::evaluate_function: "
PLACES = (  # where a module's class stands in the house -> its part
    ("groundup.model.attention", "attention"),
    ("groundup.model.recurrence", "attention"),
    ("groundup.model.layers.feed_forward", "feed-forward"),
    ("groundup.model.moe", "feed-forward"),
    ("groundup.model.layers.embedding", "embedding and norms"),
    ("groundup.model.layers.norms", "embedding and norms"),
    ("groundup.model.transformer", "embedding and norms"),  # a block: what is between its parts
)
NAMES = (  # a word in a module's own name -> its part
    ("attn", "attention"),
    ("attention", "attention"),
    ("mlp", "feed-forward"),
    ("ffn", "feed-forward"),
    ("feed_forward", "feed-forward"),
    ("lm_head", "head and loss"),
    ("score", "head and loss"),
    ("norm", "embedding and norms"),
    ("embed", "embedding and norms"),
)


def part_of(name: str, module: Any) -> str | None:
    """The part a module belongs to: by its own name where that tells it, else by its class; None: that of the module around it."""
    last = name.rpartition(".")[2].lower()
    found = next((part for word, part in NAMES if word in last), None)
    if found:
        return found
    return next((part for place, part in PLACES if type(module).__module__.startswith(place) and name), None)


@contextmanager
def marks(module: Any) -> Iterator[None]:
    """Inside, every module of the model that belongs to a part says so to the profiler while it computes."""
    opened: list[Any] = []

    def enter(part: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            mark = record_function(f"{MARK}{part}")
            mark.__enter__()
            opened.append(mark)

        return hook

    def leave(*_: Any) -> None:
        opened.pop().__exit__(None, None, None)

    with ExitStack() as hooks:
        for name, one in module.named_modules():
            part, around = part_of(name, one), part_of(name.rpartition(".")[0], module)
            if part is not None and not (part == around and part != "embedding and norms"):
                hooks.callback(one.register_forward_pre_hook(enter(part)).remove)
                hooks.callback(one.register_forward_hook(leave, always_call=True).remove)
        yield


class Profiler:
    """A listener that profiles steps `warm + 1` to `warm + steps` of this process and writes what it saw into a folder.

    `batches` wraps the run's own, so that their making has a mark. profile: None until it is done.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        warm: int = WARM,
        steps: int = STEPS,
        peak_flops: float | None = None,
        machine: str = "",
    ):
        self.folder, self.warm, self.steps = folder, warm, steps
        self.peak_flops, self.machine = peak_flops, machine
        self.seen, self.began = 0, 0.0
        self.tool: Any = None
        self.profile: Profile | None = None
        self.hooks = ExitStack()

    def batches(self, function: Callable[[int], Any]) -> Callable[[int], Any]:
        """The batches, whose making is marked while the profiler is open."""

        def call(number: int) -> Any:
            if self.tool is None:
                return function(number)
            with record_function(f"{MARK}data"):
                return function(number)

        return call

    def __call__(self, event: Any) -> None:
        """After each step: open, close, or nothing."""
        self.seen += 1
        if self.tool is not None:
            with record_function(LISTENERS):
                pass
        if self.seen == self.warm + self.steps and self.tool is not None:
            self._close()
        elif self.seen == self.warm and self.profile is None:
            self._open(event.module)

    def _open(self, module: Any) -> None:
        self.hooks.enter_context(marks(module))
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
        self.tool = torch.profiler.profile(activities=activities, record_shapes=True, profile_memory=True)
        self.tool.__enter__()
        self.began = time.perf_counter()

    def _close(self) -> None:
        seconds = time.perf_counter() - self.began
        tool, self.tool = self.tool, None
        tool.__exit__(None, None, None)
        self.hooks.close()
        seen = operations(tool.events(), memory_events(tool))
        self.profile = summarize(seen, self.steps, seconds, peak_flops=self.peak_flops, machine=self.machine)
        if self.folder is not None:
            write(self.profile, self.folder)
            tool.export_chrome_trace(str(Path(self.folder) / "trace.json"))

    def stop(self) -> None:
        """Close an open profiler of a run that ended early, without a result."""
        if self.tool is not None:
            self.tool.__exit__(None, None, None)
            self.tool = None
            self.hooks.close()


def profile_steps(
    module: Any, batches: Callable[[int], Any], config: Any, *, folder: str | Path | None = None, **watched: Any
) -> Profile:
    """Train `module` for a few steps by `config` and say where they went; its weights move, so give a copy of what you want to keep.

    watched: what a `Profiler` takes (warm, steps, peak_flops), or `objective`.
    """
    from dataclasses import replace

    from groundup.training import loop

    asked = {"objective": watched.pop("objective")} if "objective" in watched else {}
    watcher = Profiler(folder, **watched)
    short = replace(config, steps=watcher.warm + watcher.steps)
    loop.train(module, watcher.batches(batches), short, listeners=[watcher], title="profiling", **asked)
    assert watcher.profile is not None, "the profiler saw no step"
    return watcher.profile


def memory_events(tool: Any) -> list[tuple[float, int]]:
    """When memory was taken, in microseconds of the profile, and how much; none where this torch does not tell."""
    try:
        found, zero = tool.profiler.kineto_results.events(), tool.profiler.kineto_results.trace_start_ns()
        return sorted(
            ((one.start_ns() - zero) / 1000, one.nbytes())
            for one in found
            if one.name() == "[memory]" and one.nbytes() > 0
        )
    except AttributeError:
        return []


def operations(events: Sequence[Any], taken: Sequence[tuple[float, int]] = ()) -> list[Operation]:
    """The events of torch.profiler, each with its part, its way and the operations around it. taken: of `memory_events`."""
    host = [event for event in events if event.device_type == torch.autograd.DeviceType.CPU and not event.is_async]
    host = [
        event for event in host if event.name not in ("[memory]",) and event.time_range.end >= event.time_range.start
    ]
    forward = {}
    for event in sorted(host, key=lambda one: one.time_range.start):
        if event.sequence_nr >= 0 and not _way_back(event):
            forward[event.sequence_nr] = event  # the last one to begin made the node
    tops, bytes_of = _tops(host), _bytes_of(host, taken)
    return [_operation(event, forward, tops, bytes_of.get(id(event), 0)) for event in host if event.name != LISTENERS]


def _bytes_of(host: Sequence[Any], taken: Sequence[tuple[float, int]]) -> dict[int, int]:
    """The memory that each event took itself: it goes to the innermost one that was running."""
    found: dict[int, int] = {}
    running: list[Any] = []
    coming = iter(sorted(host, key=lambda one: (one.time_range.start, -one.time_range.end)))
    following = next(coming, None)
    for at, size in taken:
        while following is not None and following.time_range.start <= at:
            running.append(following)
            following = next(coming, None)
        while running and running[-1].time_range.end < at:
            running.pop()
        running = [one for one in running if one.time_range.end >= at]
        if running:
            found[id(running[-1])] = found.get(id(running[-1]), 0) + size
    return found


def _operation(event: Any, forward: dict[int, Any], tops: dict[int, str], taken: int) -> Operation:
    mark, back = _marked_part(event), _way_back(event)
    if mark is None and back is not None:
        source = forward.get(back.sequence_nr)
        mark = "rest" if source is None else _marked_part(source) or tops.get(id(_top(source)), "rest")
    shapes = [shape for shape in event.input_shapes or [] if isinstance(shape, list | tuple)]
    return Operation(
        name=_name(event),
        start=event.time_range.start / 1e6,
        end=event.time_range.end / 1e6,
        thread=int(event.thread),
        part=mark or tops.get(id(_top(event)), "rest"),
        backward=back is not None,
        around=tuple(_name(one) for one in reversed(list(_above(event))) if not one.name.startswith(MARK)),
        flops=product_flops(event.name, shapes),
        bytes=taken,
        count=not event.name.startswith(MARK),
    )


def _tops(host: Sequence[Any]) -> dict[int, str]:
    """The part of operations under no mark, by what went before: masks and angles, the model's marks, the way back, the listeners."""
    state, found = "rest", {}
    for event in sorted((one for one in host if one.cpu_parent is None), key=lambda one: one.time_range.start):
        if event.name.startswith(MARK):
            state = AFTER.get(event.name, "head and loss")
        elif _way_back(event) is not None:
            state = "optimizer"
        else:
            found[id(event)] = state
    return found


def _above(event: Any) -> Iterator[Any]:
    while event.cpu_parent is not None:
        event = event.cpu_parent
        yield event


def _top(event: Any) -> Any:
    return [event, *_above(event)][-1]


def _marked_part(event: Any) -> str | None:
    """The part named by the nearest mark around an event, or by itself."""
    names = (one.name for one in (event, *_above(event)))
    return next((name.removeprefix(MARK) for name in names if name.startswith(MARK)), None)


def _way_back(event: Any) -> Any:
    """The step of the way back that an event belongs to; None: it is no part of it."""
    return next((one for one in (event, *_above(event)) if one.name.startswith(BACKWARD)), None)


def _name(event: Any) -> str:
    return event.name.removeprefix(BACKWARD)
