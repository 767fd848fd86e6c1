"""`groundup inspect` of a model before the transformer: what it is, what it scored, and what it answers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from groundup.cli.classical.questions import Questions

Shown = tuple[dict[str, Any], Callable[[], None]]  # plain data for --json, and what prints it


def inspect(path: Path, model_type: str, questions: Questions, as_json: bool) -> int:
    """Load it, then answer what was asked, or say what it is."""
    from groundup.cli import running

    data, show = _answer(model_type, path, questions) if questions.asked() else _about(model_type, path)
    if as_json:
        running.print_json({"path": str(path), "model_type": model_type, **data})
    else:
        show()
    return 0


def _answer(model_type: str, path: Path, questions: Questions) -> Shown:
    from groundup.cli.classical import language, load, sentences, words

    model = load(path, model_type)
    if model_type == "word_vectors":
        return words.answer(model, questions)
    if questions.text is not None or model_type == "ngram":
        return language.answer(model, questions)
    return sentences.answer(model, model_type, path, questions)


def _loaded(model_type: str, path: Path) -> Any:
    """The model; of an ARPA file only its n-grams, which need no words for text."""
    from groundup.cli.classical import load
    from groundup.text.ngram import arpa

    if model_type == "ngram" and path.is_file():
        return SimpleNamespace(model=arpa.read(path)[0])
    return load(path, model_type)


def _about(model_type: str, path: Path) -> Shown:
    """What it is, and what it scored when it was made."""
    from groundup import files
    from groundup.cli import show
    from groundup.cli.classical import named
    from groundup.cli.train.making import RESULTS, rows

    about = DESCRIBED[model_type](_loaded(model_type, path))
    results = files.read_json(path / RESULTS) if (path / RESULTS).is_file() else None

    def print_it() -> None:
        size = [one.stat().st_size for one in ([path] if path.is_file() else path.rglob("*")) if one.is_file()]
        shown = [
            ["kind", named(model_type)],
            *([name.replace("_", " "), _words(value)] for name, value in about.items()),
        ]
        shown.append(["bytes", show.size(sum(size))])
        told = {row[0] for row in shown}
        shown += [row for row in rows(results) if row[0] not in told] if results else []
        show.table(str(path), ["", ""], shown)

    return {"about": about, "results": results}, print_it


def _words(value: Any) -> str:
    """A value of the table; of a list its first words."""
    from groundup.cli import show

    if isinstance(value, list):
        return " ".join(map(str, value[:12])) + (" ..." if len(value) > 12 else "")
    return show.number(value)


# ───────── what each kind says of itself ─────────


def _ngram(model: Any) -> dict[str, Any]:
    inner = model.model
    words = len(inner.words) - 1
    return {
        "order": inner.order, "smoothing": inner.smoothing, "vocabulary": inner.vocab_size, "ngrams": words,
        "memory_bytes": inner.memory_bytes,
    }  # fmt: skip


def _vectors(model: Any) -> dict[str, Any]:
    trained: Mapping[str, Any] = model.trained if isinstance(model.trained, dict) else {}
    return {
        "method": trained.get("method"), "vocabulary": len(model), "hidden_size": model.dimension,
        "window": trained.get("window"), "first_words": model.words[:30],
    }  # fmt: skip


def _hmm(model: Any) -> dict[str, Any]:
    return {"tags": len(model.tags), "all_tags": model.tags, "order": model.config.order}


def _crf(model: Any) -> dict[str, Any]:
    weights = int((model.weights != 0).sum())
    return {
        "tags": len(model.labels),
        "all_tags": model.labels,
        "weights": weights,
        "l1": model.config.l1,
        "l2": model.config.l2,
    }


def _recurrent_tagger(model: Any) -> dict[str, Any]:
    names = model.names
    return {
        "tags": len(names.tags), "all_tags": list(names.tags), "vocabulary": len(names.words),
        "hidden_size": model.config.hidden_size,
        "parameters": sum(one.numel() for one in model.network.parameters()),
    }  # fmt: skip


def _pcfg(model: Any) -> dict[str, Any]:
    grammar = model.grammar
    return {
        "symbols": len(grammar.symbols), "binary_rules": len(grammar.binary), "unary_rules": len(grammar.unary),
        "vocabulary": len({word for _, word in grammar.words}),
        "horizontal": model.config.horizontal, "vertical": model.config.vertical,
    }  # fmt: skip


def _dependency(model: Any) -> dict[str, Any]:
    names = model.names
    return {
        "relations": len(names.labels), "all_relations": names.labels, "all_tags": names.tags, "vocabulary": len(names.words),
        "rounds": model.config.rounds,
    }  # fmt: skip


def _recurrent(model: Any) -> dict[str, Any]:
    config = model.module.config
    return {
        "hidden_size": config.hidden_size, "layers": config.num_hidden_layers, "vocabulary": config.vocab_size,
        "parameters": sum(one.numel() for one in model.module.parameters()),
    }  # fmt: skip


DESCRIBED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "ngram": _ngram,
    "word_vectors": _vectors,
    "hmm_tagger": _hmm,
    "crf_tagger": _crf,
    "recurrent_tagger": _recurrent_tagger,
    "pcfg": _pcfg,
    "dependency_parser": _dependency,
    "rnn_lm": _recurrent,
    "lstm_lm": _recurrent,
    "gru_lm": _recurrent,
}
