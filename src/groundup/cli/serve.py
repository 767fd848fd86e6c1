"""`groundup serve MODEL...`: models behind a port, for OpenAI's and Anthropic's clients."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from groundup.runs.settings import MachineConfig
from groundup.serving.limits.config import LimitsConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeOptions:
    """Serve models to OpenAI's and Anthropic's clients: http://HOST:PORT/v1. Ctrl-C or SIGTERM finishes the answers that were begun."""

    models: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="MODEL...")] = ()
    """model folders, or NAME=FOLDER; the first is loaded at once and is the default"""
    adapter: tuple[str, ...] = ()
    """NAME=FOLDER: an adapter's folder (PEFT's form) as one more model, a change of the first model; MODEL:NAME=FOLDER: of another. May be repeated"""
    adapter_loading: bool = False
    """who asks may bring adapters from folders of this machine and take them away (/v1/load_lora_adapter)"""
    host: str = "127.0.0.1"
    """who may connect: 127.0.0.1 this machine alone, 0.0.0.0 everybody who reaches it"""
    port: int = 8000
    """0: any free one"""
    new_key: str = ""
    """add a key with this name to the file of --api-keys, print it once, and end"""
    max_models: int = 4
    """models in memory at once; the one that was not asked for longest makes room, and where all are answering, who asks for one more waits"""
    max_rows: int = 64
    """answers that are written at once; who comes when all places are taken waits for the end of another's"""
    codec: Literal["auto", "none", "f32", "bf16", "q8_0", "q4_0"] = "auto"
    """in which form the compiled step of a CPU reads the weights; auto: as they are, where it is faster than torch; none: torch computes"""
    deterministic: bool = False
    """an answer is the same to the last bit, whoever else is answered; slower"""
    response_cache_mb: int = 0
    """memory for answers that are given again to the same question of the same key, where chance decides nothing (temperature 0, or a seed); 0: none"""
    prefix_cache: bool = True
    """what was read of a prompt is kept for the next one that begins alike"""
    cache_folder: Path | None = None
    """where what was read of prompts is kept over a restart, a sub-folder a model; left out: it is forgotten when the server ends"""
    cache_save_every: float = 300.0
    """seconds from one save to --cache-folder to the next, if something was read since; 0: only when the server ends"""
    access_log: bool = False
    """print method, path and status of every request; never what was said"""
    limits: tyro.conf.OmitArgPrefixes[LimitsConfig] = field(default_factory=LimitsConfig)
    machine: tyro.conf.OmitArgPrefixes[MachineConfig] = field(default_factory=MachineConfig)


def named(models: tuple[str, ...]) -> dict[str, Path]:
    """Names and folders; a folder called model is named after the one above it.

    >>> named(("runs/demo/model", "b=other"))
    {'demo': PosixPath('runs/demo/model'), 'b': PosixPath('other')}
    """
    from groundup.errors import ConfigError

    found: dict[str, Path] = {}
    for word in models:
        name, sign, folder = word.partition("=")
        path = Path(folder if sign else word)
        if not sign:
            whole = path.resolve()
            name = whole.parent.name if whole.name == "model" else whole.name
        if not name or name in found:
            raise ConfigError(f"'{word}' has the name '{name}', which is empty or taken; name it, as in NAME={path}")
        found[name] = path
    return found


def adapters_of(words: tuple[str, ...], models: dict[str, Path]) -> dict[str, dict[str, Path]]:
    """For a model's name the folders of its adapters by theirs.

    >>> adapters_of(("poet=/", "b:cook=/tmp"), {"demo": Path("d"), "b": Path("e")})
    {'demo': {'poet': PosixPath('/')}, 'b': {'cook': PosixPath('/tmp')}}
    """
    from groundup.errors import ConfigError, InputError

    found: dict[str, dict[str, Path]] = {}
    taken = {*models, "default"}
    for word in words:
        whole, sign, folder = word.partition("=")
        model, colon, name = whole.rpartition(":")
        model = model if colon else next(iter(models))
        if not sign or not name or model not in models or name in taken:
            raise ConfigError(
                f"--adapter {word} is not NAME=FOLDER, or MODEL:NAME=FOLDER, with a name that is free and a model of {', '.join(models)}; write it so"
            )
        if not Path(folder).is_dir():
            raise InputError(f"--adapter {word}: there is no folder {folder}; `groundup tune MODEL --method lora` makes one")
        taken.add(name)
        found.setdefault(model, {})[name] = Path(folder)
    return found


def run(options: ServeOptions) -> None:
    """Serve until a signal comes."""
    from groundup.errors import ConfigError, missing_extra

    if options.new_key:
        return _new_key(options)
    if not options.models:
        raise ConfigError("serve wants a model folder; `groundup demo` makes one at runs/demo/model")
    if not 0 <= options.port < 1 << 16:
        raise ConfigError(f"port={options.port} is none; use 1 to 65535, or 0 for any that is free")
    models = named(options.models)
    # torch's threads turn in circles while they wait, and take the cores from the server's own: beside other work 44 against 385 tokens/s
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        from groundup.serving.api import server
    except ModuleNotFoundError as error:
        raise missing_extra(str(error.name), "serve") from None
    server.run(_service(options, models), options.host, options.port, access_log=options.access_log, say=_say)


def _service(options: ServeOptions, models: dict[str, Path]) -> Any:
    from groundup.cli import loading
    from groundup.errors import ConfigError, InputError
    from groundup.inference.engine import EngineConfig
    from groundup.serving.api.models import Models
    from groundup.serving.api.service import Service
    from groundup.serving.limits import Limits
    from groundup.serving.scheduling import FairOrder, ResponseCache

    for path in models.values():
        if not path.is_dir() and len(path.parts) != 2:
            raise InputError(f"there is no model folder {path}; `groundup demo` makes one at runs/demo/model")
    config = EngineConfig(
        max_rows=options.max_rows,
        deterministic=options.deterministic,
        prefix_cache=options.prefix_cache,
        compiled=None if options.codec == "none" else options.codec,
        threads=options.machine.threads or None,
    )
    if options.response_cache_mb < 0:
        raise ConfigError(f"--response-cache-mb {options.response_cache_mb} cannot be; use 0 (keep none) or more")
    responses = ResponseCache(options.response_cache_mb << 20) if options.response_cache_mb else None
    limits = Limits(options.limits)
    made = Models(
        models,
        loader=lambda path: loading.load(path, options.machine),
        config=config,
        most_loaded=options.max_models,
        order=lambda: FairOrder(limits.weight),
        adapters=adapters_of(options.adapter, models),
        keeper=keepers(options),
    )
    return Service(made, limits, responses, options.adapter_loading)


def sub_folder(model: str) -> str:
    """A model's name as the name of one folder, different for different models.

    >>> sub_folder("demo"), sub_folder("org/demo:1"), sub_folder("..")
    ('demo', 'org%2Fdemo%3A1', '%2E.')
    """
    from urllib.parse import quote

    name = quote(model, safe="")
    return "%2E" + name[1:] if name.startswith(".") else name


def keepers(options: ServeOptions) -> Callable[[str], Any]:
    """Who keeps the prefix cache of a model over a restart; ConfigError where the options contradict each other."""
    from groundup.errors import ConfigError
    from groundup.inference.engine import Keeper

    folder, every_s = options.cache_folder, options.cache_save_every
    if not 0 <= every_s < float("inf"):
        raise ConfigError(f"--cache-save-every {every_s} cannot be; use seconds, or 0 for only at the end")
    if folder is None:
        return lambda model: None
    if not options.prefix_cache:
        raise ConfigError("--cache-folder keeps what --no-prefix-cache does not make; leave one of them out")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--cache-folder {folder} is a file; name a folder, which is made where there is none")
    return lambda model: Keeper(folder / sub_folder(model), save_every_s=every_s, say=_say)


def _new_key(options: ServeOptions) -> None:
    from groundup.errors import ConfigError
    from groundup.serving.limits import add_key

    path = options.limits.keys
    if path is None:
        raise ConfigError("--new-key wants the file to write to; add --api-keys FILE")
    print(add_key(path, options.new_key))


def _say(line: str) -> None:
    import sys

    print(line, file=sys.stderr, flush=True)
