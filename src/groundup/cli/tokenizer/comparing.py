"""`groundup tokenizer compare`: tokens by file and by language, for several tokenizers side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.errors import InputError

MANY = 0.01  # of the tokens unknown: a count of tokens then says little


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareOptions:
    """tokens by file and by language, for several tokenizers"""

    tokenizers: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="TOKENIZER...")]
    """folders or files of tokenizers"""
    text: tuple[Path, ...] = ()
    """a text file to measure on (repeatable): prose, code, any language"""
    languages: Path | None = None
    """parallel texts, one .txt file a language in a folder or zip archive, such as NLTK's udhr2.zip"""
    base: str = "eng"
    """the language that costs are relative to, by its file's name"""
    all: bool = False
    """show every language, also those without a name here"""
    json: bool = False
    """print it as JSON"""


def compare(options: CompareOptions) -> None:
    """Measure and show."""
    from groundup.cli import running
    from groundup.progress import progress
    from groundup.text.tokenizers import load_tokenizer, multilingual

    if not options.text and options.languages is None:
        raise InputError("there is nothing to compare on; give --text FILE or --languages FOLDER (parallel texts)")
    texts = {str(path): read(path) for path in options.text}
    parallel = multilingual.read_parallel(options.languages) if options.languages else {}
    names = _names(options.tokenizers)
    found: dict[str, Any] = {"tokenizers": {}, "files": {}, "languages": {}}
    with progress(len(names), "tokenizers") as bar:
        for name, path in names.items():
            tokenizer = load_tokenizer(path)
            found["tokenizers"][name] = {"path": str(path), "vocab_size": tokenizer.vocab_size}
            found["files"][name] = _rows(multilingual.measure(tokenizer, texts))
            measures = multilingual.measure(tokenizer, parallel)
            costs = multilingual.relative_costs(measures, options.base) if parallel else {}
            found["languages"][name] = {code: row | {"cost": costs[code]} for code, row in _rows(measures).items()}
            bar.update()
    running.print_json(found) if options.json else _show(found, options)


def read(path: Path) -> str:
    """A text file."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text (byte {error.start}); convert it, for example with iconv") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from error


def _names(paths: Sequence[Path]) -> dict[str, Path]:
    """A short name for each tokenizer: its folder's or file's, with its parent's where two are equal."""
    if not paths:
        raise InputError("there is no tokenizer to compare; name one or more folders or files")
    plain = [
        path.parent.name if path.name == "tokenizer.json" and path.parent.name else path.stem
        for path in map(Path, paths)
    ]
    alike = len(set(plain)) < len(plain)
    return {str(path) if alike else name: path for name, path in zip(plain, paths, strict=True)}


def _rows(measures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "tokens": one.tokens,
            "bytes": one.bytes,
            "bytes_per_token": one.bytes_per_token,
            "tokens_per_word": one.tokens_per_word,
            "tokens_per_character": one.tokens_per_character,
            "unknown_share": one.unknown_share,
        }
        for name, one in measures.items()
    }


def _show(found: Mapping[str, Any], options: CompareOptions) -> None:
    from groundup.cli import show
    from groundup.text.tokenizers.multilingual import NAMES

    names = list(found["tokenizers"])
    sizes = ["ids", *(f"{found['tokenizers'][name]['vocab_size']:,}" for name in names)]
    if options.text:
        rows = [[file, *(_cell(found["files"][name][file]) for name in names)] for file in map(str, options.text)]
        show.table("tokens (bytes a token)", ["", *names], [sizes, *rows])
    if options.languages is None:
        return
    first = found["languages"][names[0]]
    codes = [code for code in first if options.all or code in NAMES or code == options.base]
    codes.sort(key=lambda code: first[code]["cost"])
    rows = [
        [NAMES.get(code, code), *(_language_cell(found["languages"][name][code]) for name in names)] for code in codes
    ]
    title = f"tokens for the same text, relative to {NAMES.get(options.base, options.base)} (tokens a word)"
    show.table(title, ["", *names], [sizes, *rows])
    if len(codes) < len(first):
        show.console(True).print(f"{len(first) - len(codes)} more languages: --all or --json")


def _cell(row: Mapping[str, Any]) -> str:
    unknown = f", {row['unknown_share']:.0%} unknown" if row["unknown_share"] > MANY else ""
    return f"{row['tokens']:,} ({row['bytes_per_token']:.2f}{unknown})"


def _language_cell(row: Mapping[str, Any]) -> str:
    if row["unknown_share"] > MANY:
        return f"{row['unknown_share']:.0%} unknown"
    words = f"{row['tokens_per_word']:.1f}" if row["tokens_per_word"] else "no spaces"
    return f"{row['cost']:.2f} ({words})"
