"""An architecture of your own: a file beside your data, which every verb then knows like a published family.

    groundup inspect --template my              writes my/architecture.py: a whole architecture in a hundred lines, which works
    groundup inspect my --check                 the conformance test: causality, cache, padding, gradient, saving ... (19 points)
    groundup --mine my train --text book.txt --set model.model_type=my_architecture --set train.initialization=scaled
    groundup --mine my generate runs/train/model "Once upon a time"

The file describes itself with one top-level name:

    ARCHITECTURE = Architecture(config=MyConfig, example=MyConfig(vocab_size=64, ...), parts={MyAttention: MyAttentionModule})

How to go about it, from the least work to the most:

1. **Another combination of known parts** needs no module: a configuration (a frozen dataclass that inherits from `DecoderConfig`,
   `RotaryConfig` or `RMSConfig`) whose `blueprint()` names them. What there is to choose: `blueprint.py`.
2. **A part of your own**: a description (a frozen dataclass that counts its parameters in `counted`) and a module; `parts` says which
   belongs to which. An attention's description inherits from `blueprint.Attention` and its module is called as
   `module(x, angles, mask, cache, layer)`; a feed-forward's as `module(x)`.
3. **Another decoder**: give `build`, a function from the configuration to the module; inherit from `Decoder`, whose `hidden`,
   `lm_head`, `compute_dtype` and `tie` training, decoding and saving call.

What a part has to hold to: it computes in the dtype of x (multiply through `layers.linear.Linear`); it draws nothing and keeps nothing
between calls; it hands `mask`, `angles` and `cache` on as they come; where there is a cache it asks it once a layer, with keys that
are already turned; weights are `nn.Parameter`s with names such as `o_proj` for what writes to the stream (their first values:
`layers/initialization.py`).

A file is found by its text (no import) and runs only where it was asked for: by `--check` or `--mine`. It is your own code and may do
what you may. A model folder never brings code along: to use a model of your own architecture, say `--mine`.

Left out: encoders, caches that hold something else than keys and values.
"""

import ast
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup import files, slots
from groundup.errors import ConfigError, InputError
from groundup.model import architectures
from groundup.model.architectures.decoder import DecoderConfig

NAME, FILE = slots.ARCHITECTURE, "architecture.py"


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a file says of its architecture.

    config: the class of its configuration. example: a small one, for the conformance test. parts: description -> what builds its
    module, called with the description and the width of the stream. build: from configuration to module; None: by the blueprint.
    """

    config: type[DecoderConfig]
    example: DecoderConfig
    parts: Mapping[type, Callable[[Any, int], Any]] = field(default_factory=dict)
    build: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.config, type) and issubclass(self.config, DecoderConfig)):
            raise ConfigError(
                f"config={self.config!r} is no configuration; give a class that inherits from DecoderConfig"
            )
        for name in ("model_type", "architecture"):
            if not isinstance(getattr(self.config, name, None), str):
                raise ConfigError(
                    f"{self.config.__name__} has no {name}; write {name}: ClassVar[str] = ... into the class"
                )
        if type(self.example) is not self.config:
            raise ConfigError(
                f"example={self.example!r} is none of {self.config.__name__}; give a small one of that class"
            )


def register(architecture: Architecture) -> None:
    """Make an architecture one of the families, for this process."""
    from groundup.model import parts

    model_type = architecture.config.model_type
    known = architectures.FAMILIES.get(model_type)
    if known is not None and known[0].__module__.startswith("groundup.model."):
        raise ConfigError(
            f"model_type {model_type!r} is groundup's own {known[0].__name__}; give your {architecture.config.__name__} another"
        )
    parts.BUILDERS.update(architecture.parts)
    architectures.FAMILIES[model_type] = (architecture.config, architecture.build or parts.compose)


def load(path: str | Path) -> Architecture:
    """Run the architecture file of a folder (or that file) and register it. It is the user's own code and is run as such."""
    file = find(path)
    module = slots.run_file(file, _text(file))
    found = getattr(module, NAME, None)
    if not isinstance(found, Architecture):
        raise InputError(
            f"{file}: {NAME} is a {type(found).__name__}; write {NAME} = Architecture(config=..., example=...)"
        )
    register(found)
    return found


@contextmanager
def borrowed(text: str) -> Iterator[Architecture]:
    """Load an architecture from its text for as long as a `with` block lasts; the families are as before afterwards."""
    from groundup.model import parts

    families, builders = dict(architectures.FAMILIES), dict(parts.BUILDERS)
    try:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, FILE).write_text(text, "utf-8")
            found = load(folder)
        yield found
    finally:
        for now, before in ((architectures.FAMILIES, families), (parts.BUILDERS, builders)):
            now.clear()
            now.update(before)  # type: ignore[arg-type]


def find(path: str | Path) -> Path:
    """The file that holds an architecture: the path itself, or the one such file of a folder. Nothing is run."""
    path = Path(path)
    if path.is_file() and path.suffix == ".py":
        return path
    if not path.is_dir():
        raise InputError(
            f"there is no folder {path}; `groundup inspect --template {path}` makes one with a template in it"
        )
    found = [file for file in sorted(path.glob("*.py")) if slots.defines(_text(file), NAME)]
    if not found:
        raise InputError(
            f"{path} has neither a config.json nor a .py file with a top-level {NAME} = Architecture(...); "
            f"`groundup inspect --template {path}` writes one"
        )
    if len(found) > 1:
        raise InputError(
            f"{path} holds several architectures ({', '.join(file.name for file in found)}); give the file"
        )
    return found[0]


def register_mine(model_type: Any) -> bool:
    """Register the architectures of the learner's folder (`--mine`); whether this family is known now."""
    for file, text in slots.architectures().items():
        found = getattr(slots.run_file(file, text), NAME, None)
        if isinstance(found, Architecture) and found.config.model_type not in architectures.FAMILIES:
            register(found)
    return model_type in architectures.FAMILIES


def write_template(folder: str | Path) -> Path:
    """Write the template into a folder, under a name that is free."""
    target = Path(folder) / FILE
    if target.exists():
        raise InputError(f"{target} is there already; give another folder, or remove it")
    files.write_text(target, template())
    return target


def template() -> str:
    """The text of the template: `template.py`, which stands beside this file and is tested like everything else."""
    return Path(__file__).with_name("template.py").read_text("utf-8")


def _text(file: Path) -> str:
    try:
        text = file.read_text("utf-8")
        ast.parse(text, str(file))
    except SyntaxError as error:
        raise InputError(f"{file}:{error.lineno}: {error.msg}; mend the line") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{file} cannot be read as Python ({error}); save it as UTF-8 text") from error
    return text
