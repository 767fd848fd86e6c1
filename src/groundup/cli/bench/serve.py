"""`groundup bench serve TARGET`: a load sent to a server, and what its users had to wait.

TARGET is the address of a server that speaks OpenAI's API (ours or another's), or a model folder, which is then served for as long as it
takes. Three loads: Poisson arrivals at rates (left out: parts of what a closed loop shows to be the most), N clients in a closed loop,
or a trace that is played again. Writes load.json and the picture of latency against load, load.html.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

PARTS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0)  # of saturation, where no rates are given


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeOptions:
    """a load sent to a server: latency against load"""

    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="URL|MODEL")]
    """a server's address, or a model folder, which is then served"""
    rate: tuple[float, ...] = ()
    """requests a second, for --seconds; may be given several times; left out: parts of what --clients reach"""
    clients: int = 16
    """streaming clients of the closed loop that finds the most the server can do"""
    closed: bool = False
    """the closed loop alone"""
    trace: Path | None = None
    """JSON lines with at_s, prompt or messages, max_tokens: a load that is played again"""
    speed: float = 1.0
    """of the trace: 2 sends it in half the time"""
    seconds: float = 20.0
    """of each load"""
    burstiness: float = 1.0
    """of the arrivals: 0 even, 1 Poisson, more in bursts"""
    prompt_tokens: int = 64
    """words of a made prompt, about a token each"""
    max_tokens: int = 64
    """of an answer"""
    prompts: int = 64
    """different prompts; fewer are more often in the server's caches"""
    cancelled: float = 0.0
    """part of the clients that leave half-way"""
    stop_early: bool = False
    """let answers end by themselves (for servers that do not know ignore_eos)"""
    model: str = ""
    """the model's name at the server; left out: its first"""
    api_key: str | None = None
    """the key that opens the server; left out: GROUNDUP_API_KEY of the environment"""
    seed: int = 0
    """where chance begins: arrivals and prompts"""
    out: Path = Path("runs/load")
    """the folder for load.json and load.html"""
    json: bool = False
    """print the figures as JSON on stdout"""


def serve(options: ServeOptions) -> None:
    """Send the load, print, and write figures and picture."""
    from groundup import files
    from groundup.cli import running

    check(options)
    with files.disk_errors(options.out):  # before the load, not after it
        options.out.mkdir(parents=True, exist_ok=True)
    with target_of(options) as target:
        told = measured(options, target)
    files.write_json(options.out / "load.json", told)
    if told["levels"]:
        from groundup import plots
        from groundup.serving.scheduling import load

        figure = load.picture(
            told["levels"], told["lone"]["latency_s"]["p50"], f"{told['model']}: latency against load"
        )
        files.write_text(options.out / "load.html", plots.to_html([figure], title="latency against load"))
    if options.json:
        running.print_json(told)
    else:
        show_load(told, options.out)


def check(options: ServeOptions) -> None:
    """Refuse numbers that make no load."""
    from groundup.errors import ConfigError

    for name in ("clients", "prompt_tokens", "max_tokens", "prompts"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} {getattr(options, name)} is not possible; use 1 or more")
    if not 0 < options.seconds < float("inf"):
        raise ConfigError(f"--seconds {options.seconds:g} is not possible; use more than 0")
    if not 0 <= options.cancelled <= 1:
        raise ConfigError(f"--cancelled {options.cancelled:g} is no part; use a number from 0 to 1")
    if options.trace is not None and (options.rate or options.closed):
        raise ConfigError("--trace plays its own arrivals; leave --rate and --closed out")
    if options.closed and options.rate:
        raise ConfigError("--closed has no rate; leave one of the two out")


@contextlib.contextmanager
def target_of(options: ServeOptions) -> Iterator[Any]:
    """The server: the one at an address, or one of our own for as long as the load takes."""
    import os

    from groundup.errors import InputError
    from groundup.serving.scheduling.clients import Target
    from groundup.serving.scheduling.load import model_of, together

    key = options.api_key or os.environ.get("GROUNDUP_API_KEY")
    is_address = "://" in options.target or (":" in options.target and not Path(options.target).exists())
    if is_address:
        yield together(model_of(Target(options.target, options.model, key)))
        return
    if not Path(options.target).is_dir():
        raise InputError(
            f"{options.target} is neither an address (http://...) nor a model folder; start a server with `groundup serve`"
        )
    with served(options.target) as (url, process):
        yield together(model_of(Target(url, options.model, key, process)))


@contextlib.contextmanager
def served(model: str, *flags: str) -> Iterator[tuple[str, int]]:
    """A server of a model in a process of its own, until the end of the block; its address and the number of its process."""
    import time

    from groundup.errors import InputError
    from groundup.serving.scheduling.clients import Target, get_json
    from groundup.serving.scheduling.load import together

    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "groundup.cli", "serve", model, "--port", url.rpartition(":")[2], *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(6000):  # ten minutes: on a busy machine its first start compiles for some of them
            if process.poll() is not None:
                raise InputError(
                    f"`groundup serve {model}` ended with status {process.returncode}; run it alone to see why"
                )
            with contextlib.suppress(InputError):
                together(get_json(Target(url), "/v1/models"))
                break
            time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def measured(options: ServeOptions, target: Any) -> dict[str, Any]:
    """All loads that were asked for, one after another."""
    from datetime import date

    from groundup import progress
    from groundup.processor import machine_name
    from groundup.serving.scheduling import arrivals, load

    shape = load.Shape(prompt_tokens=options.prompt_tokens, max_tokens=options.max_tokens, prompts=options.prompts,
                       cancelled=options.cancelled, stop_early=options.stop_early, seed=options.seed)  # fmt: skip
    told: dict[str, Any] = {"target": target.url, "model": target.model, "machine": machine_name(), "date": date.today().isoformat(),
                            "shape": {"prompt_tokens": shape.prompt_tokens, "max_tokens": shape.max_tokens}, "levels": []}  # fmt: skip
    if options.trace is not None:
        requests = arrivals.read_trace(options.trace, options.speed)
        progress.say(f"{len(requests)} requests of {options.trace}, over {requests[-1].at_s:.1f} s")
        told["trace"] = load.summary(load.together(load.open_loop(target, requests, shape)))
        return told
    progress.say("one client, alone")
    alone = load.together(load.closed_loop(target, 1, min(options.seconds, 5.0), shape))
    told["lone"] = refuse_silence(load.summary(alone, warm(alone)), target.url)
    if not options.rate:
        progress.say(f"{options.clients} clients, each asking again, for {options.seconds:g} s")
        memory = load.Memory(target.process)
        closed = load.together(load.closed_loop(target, options.clients, options.seconds, shape, memory))
        told["closed"] = {"clients": options.clients} | load.summary(closed) | memory.told()
    if not options.closed:
        told["levels"] = list(at_rates(options, target, shape, told))
    return told


def warm(outcomes: Sequence[Any]) -> float:
    """When the second request began: the first one warms the server up."""
    return float(sorted(one.due_s for one in outcomes)[min(1, len(outcomes) - 1)])


def refuse_silence(told: dict[str, Any], url: str) -> dict[str, Any]:
    """The figures, where there are any."""
    from groundup.errors import InputError

    if told["latency_s"] is None:
        raise InputError(
            f"{url} answered no request ({'; '.join(told['errors']) or 'no error was told'}); ask it by hand first"
        )
    return told


def at_rates(options: ServeOptions, target: Any, shape: Any, told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A load for each rate."""
    from groundup import progress
    from groundup.serving.scheduling import load

    most = told.get("closed", {}).get("requests_per_s", 0.0)
    for rate in options.rate or [part * most for part in PARTS]:
        progress.say(f"{rate:.2f} requests a second for {options.seconds:g} s")
        outcomes = load.together(load.poisson(target, rate, options.seconds, shape, options.burstiness))
        if outcomes:
            part = round(rate / most, 4) if most else None
            yield {"rate": rate, "of_saturation": part} | load.summary(outcomes)


def show_load(told: dict[str, Any], out: Path) -> None:
    """A line a load."""
    from groundup.cli import show

    head = ["load", "wrong", "requests/s", "tokens/s", "TTFT p50, p99", "TPOT p50, p99", "latency p50, p99"]
    rows = [row(name, told[name]) for name in ("lone", "closed", "trace") if name in told]
    rows += [row(f"{level['rate']:.2f}/s", level) for level in told["levels"]]
    show.table(f"{told['model']} at {told['target']} on {told['machine']}: milliseconds", head, rows)
    show.console().print(
        f"figures: {out / 'load.json'}" + (f"; picture: {out / 'load.html'}" if told["levels"] else "")
    )


def row(name: str, one: dict[str, Any]) -> list[str]:
    """A load's line. wrong: failed, crossed and refused."""

    def ms(key: str) -> str:
        return f"{1000 * one[key]['p50']:.1f}, {1000 * one[key]['p99']:.1f}" if one[key] else "-"

    wrong = [f"{one[kind]} {kind}" for kind in ("failed", "crossed", "refused") if one[kind]]
    return [name, ", ".join(wrong) or "none", f"{one['requests_per_s']:.2f}", f"{one['tokens_per_s']:.0f}",
            ms("ttft_s"), ms("tpot_s"), ms("latency_s")]  # fmt: skip
