"""What was watched of runs, for the terminal: how far one came, where a step's time went, what its processes said."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundup import files
from groundup.cli import show


def progress_words(found: Mapping[str, Any]) -> str:
    """How far a run came that has not ended.

    >>> progress_words({"stage": "train", "step": 40, "steps": 400, "loss": 3.2, "tokens_per_second": 12e3, "seconds_left": 80, "running": True})
    'train 40 of 400, loss 3.200, 12.0k tok/s, 1 min 20 s left'
    """
    loss, pace, steps = found["loss"], found["tokens_per_second"], found["steps"]
    words = [f"{found['stage']} {found['step']:,}" + (f" of {steps:,}" if steps else "")]
    words += [f"loss {loss:.3f}"] if loss is not None else []
    words += [f"{show.count(pace)} tok/s"] if pace else []
    left = [f"{show.seconds(found['seconds_left'])} left"] if steps else []
    return ", ".join(words + (left if found["running"] else ["stopped"]))


def profiles(done: Any) -> dict[str, Any]:
    """The profiles of a finished `runs.runner.Run` by stage, as part of its results; empty unless it was asked for."""
    if not done.profile:
        return {}
    found = {stage.name: stage.folder / "profile" / "profile.json" for stage in done.stages}
    return {"profiles": {name: files.read_json(path) for name, path in found.items() if path.is_file()}}


def show_profiles(done: Any) -> None:
    """The same as tables, and where the pictures are."""
    from groundup.training.monitor.profile import table

    found = profiles(done).get("profiles", {})
    if done.profile and not found:
        why = "its stages were there already, or train nothing; choose another --out to run them anew"
        show.console().print(f"nothing was profiled: {why}", markup=False)
    head = ["ms", "share", "GFLOP/s", "of peak"]
    for stage in done.stages:
        if stage.name in found:
            parts, rows = table(found[stage.name])
            title = f"{stage.name}: {1000 * found[stage.name]['seconds']:.1f} ms a step"
            show.table(f"{title}, by part (speed: of the matrix products alone)", ["part", *head], parts)
            show.table(f"{title}, by operation (own time, memory taken)", ["operation", "calls", "ms", "share", "of peak", "MB"], rows)
            place = stage.folder / "profile"
            show.console().print(f"picture: {place / 'profile.html'}    trace: {place / 'trace.json'}", markup=False)


def log(lines: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, Any]]) -> None:
    """Lines of a run's logs in order, under the metrics of the steps they belong to."""
    for record in metrics:
        words = [f"{name} {show.number(value)}" for name, value in record.items() if isinstance(value, (int, float))]
        broken = [f"{name} {word}" for name, word in record.get("not_finite", {}).items()]
        show.console().print(f"{record['stage']}: {', '.join(words + broken)}", markup=False, soft_wrap=True)
    for line in lines:
        head = f"sitting {line['sitting']}, step {line['step']}, rank {line['rank']}, {line['level']}"
        show.console().print(f"{head}: {line['message']}", markup=False, soft_wrap=True)
