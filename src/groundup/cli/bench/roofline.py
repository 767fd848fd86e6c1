"""`groundup bench machine`, `roofline` and `accelerators`: what bounds a model, here and on other people's chips.

machine       this machine's limits, measured with repeats: products, memory, caches
roofline      the same with every part of a model timed beneath them; writes the table, the picture and the figures
accelerators  a model's step on published chips: which bound it meets, and how long it takes at best
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

SIZES: Mapping[str, Mapping[str, int]] = {  # LLaMA's shape at well-known widths
    "3m": {"hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 6, "vocab_size": 4096},
    "10m": {"hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 6, "num_attention_heads": 6, "vocab_size": 256},
    "124m": {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12, "vocab_size": 50304},
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32000},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineOptions:
    """measure this machine: peaks, bandwidths, caches"""

    repeats: int = 3
    """how often each figure is measured"""
    json: bool = False
    """print the figures as JSON on stdout"""
    threads: int = 0
    """CPU threads; 0: as many as cores"""


@dataclass(frozen=True, kw_only=True, slots=True)
class RooflineOptions:
    """time every part of a model beneath this machine's roofs"""

    model: str = "10m"
    """a model folder, or a size of LLaMA's shape: 3m, 10m, 124m"""
    batch: int = 8
    """rows of a training step"""
    seq_len: int = 256
    """tokens a row, and in the cache when decoding"""
    repeats: int = 3
    """how often each figure is measured"""
    out: Path = Path("runs/roofline")
    """the folder for roofline.md, roofline.html and roofline.json"""
    json: bool = False
    """print the figures as JSON on stdout"""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """number format of the matrix products; auto: float32"""
    threads: int = 0
    """CPU threads; 0: as many as cores"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceleratorsOptions:
    """a model's step on published chips, at best, and the bound it meets"""

    model: str = "7b"
    """a model folder, or a size of LLaMA's shape: 3m, 10m, 124m, 7b"""
    step: Literal["train", "prefill", "decode"] = "decode"
    """training, reading a prompt, or writing one more token"""
    batch: int = 1
    """rows; in training, of each chip"""
    seq_len: int = 1024
    """tokens a row, and in the cache when decoding"""
    devices: int = 1
    """chips of a kind, connected by their own links"""
    dtype: str = "bfloat16"
    """number format of the products"""
    json: bool = False
    """print the figures as JSON on stdout"""


def configuration(model: str) -> Any:
    """The configuration that a size or a model folder means."""
    from groundup.errors import InputError
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.formats.huggingface import load_config

    if model in SIZES:
        shape: dict[str, Any] = dict(SIZES[model])
        return LlamaConfig(num_key_value_heads=shape["num_attention_heads"], tie_word_embeddings=model != "7b", **shape)
    if not Path(model).is_dir():
        raise InputError(f"there is no model folder {model}; give one, or one of the sizes {', '.join(SIZES)}")
    return load_config(model)


def check(options: Any, *names: str) -> None:
    """Refuse numbers that are no counts."""
    from groundup.errors import ConfigError

    for name in names:
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} {getattr(options, name)} is not possible; use 1 or more")


def measured(options: Any) -> Any:
    """The limits of this machine with the flags' threads."""
    from groundup import progress
    from groundup.machine.probe import limits
    from groundup.runs import settings

    check(options, "repeats")
    settings.apply(settings.MachineConfig(threads=options.threads))
    return limits.measure(repeats=options.repeats, say=lambda text: progress.say(f"measuring: {text}"))


def machine(options: MachineOptions) -> None:
    """Measure and print."""
    from dataclasses import asdict

    from groundup.cli import running, show
    from groundup.runs import roofline

    found = measured(options)
    if options.json:
        running.print_json(asdict(found))
    else:
        title = f"{found.processor}, {found.threads} threads: median (least to most)"
        show.table(title, ["limit", "measured", "size, kernel"], roofline.machine_rows(found))


def roofline(options: RooflineOptions) -> None:
    """Measure the machine and the model's parts, print, and write table, picture and figures."""
    from groundup import files, plots, progress
    from groundup.cli import running, show
    from groundup.errors import ConfigError
    from groundup.runs import roofline

    check(options, "batch", "seq_len", "repeats")
    if options.dtype == "float16":
        raise ConfigError("--dtype float16 is not measured here; use float32 or bfloat16")
    config = configuration(options.model)
    roofline.check(config)
    limits = measured(options)
    dtype = "float32" if options.dtype == "auto" else options.dtype
    name = f"{roofline.named(config)}, {options.batch} rows of {options.seq_len}"
    progress.say(f"measuring: {name}")
    placed = roofline.place(
        config, limits, batch=options.batch, seq_len=options.seq_len, dtype=dtype, repeats=options.repeats
    )
    options.out.mkdir(parents=True, exist_ok=True)
    files.write_text(options.out / "roofline.md", roofline.page(limits, placed, name, dtype, running.command_line()))
    files.write_json(options.out / "roofline.json", roofline.as_json(limits, placed))
    figure = roofline.picture(limits, placed, f"{limits.processor}, {limits.threads} threads: {name}", dtype)
    files.write_text(options.out / "roofline.html", plots.to_html([figure], title="roofline"))
    if options.json:
        running.print_json(roofline.as_json(limits, placed))
        return
    show.table(
        f"{limits.processor}, {limits.threads} threads",
        ["limit", "measured", "size, kernel"],
        roofline.machine_rows(limits),
    )
    show.table(name, roofline.PLACED_HEAD, roofline.placed_rows(placed, whole=False))
    progress.say(f"table, picture and figures: {options.out}/roofline.md, .html, .json")


def accelerators(options: AcceleratorsOptions) -> None:
    """Print a line a chip; those of which a figure is missing say which."""
    from groundup.cli import running, show
    from groundup.machine.probe import accelerators as known
    from groundup.runs.roofline import named

    check(options, "batch", "seq_len", "devices")
    config = configuration(options.model)
    say = partial(show.console().print, markup=False, soft_wrap=True)
    rows = [chip_row(device, config, options) for device in known.accelerators().values()]
    if options.json:
        running.print_json(rows)
        return
    title = f"{options.step}: {named(config)}, {options.batch} rows of {options.seq_len}, {options.devices} chips, {options.dtype}, at best"
    shown = [
        [row["id"] + ("*" if row.get("dtype") == "unstated" else ""), row["bound"],
         *(f"{1e3 * row[key]:,.3g}" if key in row else "" for key in ("compute", "memory", "link")),
         f"{row['tokens_per_s']:,.0f}" if "tokens_per_s" in row else "", {True: "yes", False: "no", None: ""}[row["fits"]]]
        for row in rows
    ]  # fmt: skip
    fits = "weights and state fit" if options.step == "train" else "fits"
    show.table(title, ["chip", "bound", "compute, ms", "memory, ms", "link, ms", "tokens/s", fits], shown)
    if any(row.get("dtype") == "unstated" for row in rows):
        say("* of these no number format is stated: counted at 1 byte a number")
    for row in rows:
        if "why" in row:
            say(f"{row['id']}: {row['why']}")


def chip_row(device: Any, config: Any, options: AcceleratorsOptions) -> dict[str, Any]:
    """One chip's figures, or what is not stated of it."""
    from groundup.errors import ConfigError
    from groundup.model.accounting.steps import WIDTHS, step_on

    row = {
        "id": device.id,
        "name": device.name,
        "kind": device.kind,
        "sources": [source.url for source in device.sources],
        "fits": None,
    }
    dtype = "unstated" if "unstated" in device.peak else options.dtype
    try:
        found = step_on(
            device,
            config,
            options.step,
            batch=options.batch,
            seq_len=options.seq_len,
            dtype=dtype,
            devices=options.devices,
        )
    except ConfigError as error:
        if options.dtype not in WIDTHS and "width" in str(error):
            raise
        return row | {"bound": "unknown", "why": str(error)}
    each = {name: getattr(found.times, name) for name in ("compute", "memory", "link")}
    return (
        row
        | each
        | {"bound": found.times.bound, "tokens_per_s": found.tokens_per_s, "fits": found.fits, "dtype": dtype}
    )
