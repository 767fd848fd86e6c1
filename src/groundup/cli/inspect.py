"""`groundup inspect MODEL`: what a model holds and what is odd about it; `--check`: the conformance test of an architecture.

Models before the transformer (n-grams, vectors, taggers, parsers, recurrent networks) are shown, and asked, by `cli.classical`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.classical.questions import Questions


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectOptions:
    """Say what a model folder or a .gguf file holds, and what is odd about it; or check an architecture of your own."""

    model: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")] = None
    """a model folder, a .gguf, .arpa or word2vec file, or with --check a folder with an architecture file of your own"""
    check: bool = False
    """try the architecture: causality, cache, padding, gradient, saving and more; runs your own architecture file, as your own code"""
    template: Path | None = None
    """write the template of an architecture file into this folder, and nothing else"""
    headers: bool = False
    """read only what the files say about themselves, no weight: fast for large models, and blind for NaN and dead rows"""
    json: bool = False
    """print what was found as JSON on stdout"""
    questions: tyro.conf.OmitArgPrefixes[Questions] = field(default_factory=Questions)


def run(options: InspectOptions) -> int:
    """Show it; status 2 where a check failed."""
    from groundup.errors import ConfigError

    if options.template is not None:
        return _write_template(options.template)
    if options.model is None:
        raise ConfigError(
            "inspect wants a model folder or a .gguf file; `groundup demo` makes a folder at runs/demo/model"
        )
    from groundup.cli import classical
    from groundup.cli.classical.questions import refuse

    kind = None if options.check else classical.kind(options.model)
    refuse(options.questions, options.model, kind)
    if kind is not None:
        if options.headers:
            raise ConfigError(
                f"--headers is not for {options.model}, which is {classical.named(kind)} and read whole; leave it out"
            )
        from groundup.cli.classical.inspecting import inspect

        return inspect(options.model, kind, options.questions, options.json)
    return check(options) if options.check else summary(options)


def _write_template(folder: Path) -> int:
    from groundup.model.architectures import your_own

    print(f"{your_own.write_template(folder)} written; change it, then: groundup inspect {folder} --check")
    return 0


# ───────── what a model holds ─────────


def summary(options: InspectOptions) -> int:
    """Show what a model holds."""
    from groundup.cli import running, show
    from groundup.model.summary import summarize

    assert options.model is not None
    found = summarize(options.model, values=not options.headers)
    if options.json:
        running.print_json(found)
        return 0
    _show_model(found)
    show.uses(found["costs"])
    _show_layers(found["layers"])
    _show_tokenizer(found["tokenizer"])
    _show_odd(found["odd"])
    return 0


def _show_model(found: Mapping[str, Any]) -> None:
    from groundup.cli import show

    total = max(1, found["parameters"])
    cache = found["cache"]
    rows = [
        ["family", str(found["family"])],
        ["parameters", f"{found['parameters']:,}"],
        ["of them embedding", f"{found['embedding_parameters']:,} ({found['embedding_parameters'] / total:.0%})"],
        ["of them head", f"{found['head_parameters']:,}" if found["head_parameters"] else "the embedding (tied)"],
        ["bytes", show.size(found["bytes"])],
        ["number formats", ", ".join(f"{kind} {number / total:.0%}" for kind, number in found["dtypes"].items())],
        ["context", f"{found['context']:,} tokens" if found["context"] else "not said"],
    ]
    if cache:
        rows.append(["cache", f"{cache['bytes_per_token']:,} bytes a token"])
        rows.append(["cache of a full context", show.size(cache["bytes_of_a_context"])])
    rows += [[key, str(value)] for key, value in found["config"].items() if _is_small(key, value)]
    show.table(str(found["path"]), ["", ""], rows)


def _is_small(key: str, value: Any) -> bool:
    """Whether a key of config.json is worth a row: sizes and choices, not who wrote it."""
    return isinstance(value, int | float | str) and key not in (
        "model_type",
        "transformers_version",
        "dtype",
        "torch_dtype",
    )


def _show_layers(layers: Sequence[Mapping[str, Any]]) -> None:
    from groundup.cli import show

    rows = []
    for group in layers:
        times = f" ({group['count']} alike)" if group["count"] > 1 else ""
        parameters, size = (
            sum(one[what] for one in group["tensors"]) * group["count"] for what in ("parameters", "bytes")
        )
        rows.append([group["name"] + times, "", "", f"{parameters:,}", _size(size)])
        for one in group["tensors"]:
            shape = " x ".join(map(str, one["shape"]))
            rows.append([f"  {one['name']}", shape, one["dtype"], f"{one['parameters']:,}", _size(one["bytes"])])
    if rows:
        show.table("layers", ["", "shape", "format", "parameters", "bytes"], rows)


def _size(value: int) -> str:
    """Bytes as people say them; a norm's gain has few."""
    from groundup.cli import show

    return show.size(value) if value >= 1000 else f"{value} B"


def _show_tokenizer(found: Mapping[str, Any] | None) -> None:
    from groundup.cli import show

    if found is None:
        return
    within = {None: "unknown", True: "yes", False: "no"}[found["ids_within_the_embedding"]]
    special = list(found["special_tokens"].items())
    shown = ", ".join(f"{token} {id}" for token, id in special[:8]) + (", ..." if len(special) > 8 else "")
    template = f"yes ({found['template_tokens']} tokens before a word is said)" if found["chat_template"] else "no"
    rows = [
        ["ids", f"{found['vocab_size']:,}"],
        ["all within the embedding", within],
        ["control tokens", shown or "none"],
        ["roles", ", ".join(f"{role} {token}" for role, token in found["roles"].items()) or "none"],
        ["chat template", template],
    ]
    show.table(f"tokenizer ({found['kind']})", ["", ""], rows)


def _show_odd(said: Sequence[str]) -> None:
    from groundup.cli import show

    lines = [f"  - {sentence}" for sentence in said]
    show.console().print(
        "\n".join(["odd:", *lines]) if lines else "nothing odd was found", markup=False, soft_wrap=True
    )


# ───────── the conformance test ─────────


def check(options: InspectOptions) -> int:
    """Try an architecture, one line a check as it comes; 2 where one failed."""
    from groundup.cli import running, show
    from groundup.model.architectures.conformance import conform

    assert options.model is not None
    config = _configuration(options.model)
    verdicts = []
    for verdict in conform(config):
        verdicts.append(verdict)
        if not options.json:
            show.console().print(_line(verdict), markup=False, soft_wrap=True)
    failed = sum(verdict.state == "failed" for verdict in verdicts)
    skipped = sum(verdict.state == "skipped" for verdict in verdicts)
    if options.json:
        running.print_json(
            {"model_type": config.model_type, "failed": failed, "checks": [asdict(one) for one in verdicts]}
        )
    else:
        passed = len(verdicts) - failed - skipped
        print(f"{config.model_type}: {passed} of {len(verdicts)} checks passed, {failed} failed, {skipped} not tried")
    return 2 if failed else 0


def _line(verdict: Any) -> str:
    mark = {"passed": "ok    ", "failed": "FAILED", "skipped": "  -   "}[verdict.state]
    return f"{mark} {verdict.name}: {verdict.said or verdict.about}"


def _configuration(path: Path) -> Any:
    """The small configuration that is tried: a file's own example, or that of a model folder with fewer and narrower layers."""
    from groundup.model.architectures import your_own
    from groundup.model.architectures.conformance import small
    from groundup.model.formats.huggingface import load_config

    if (path / "config.json").is_file():
        return small(load_config(path))
    return your_own.load(path).example
