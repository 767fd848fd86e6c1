"""Several models behind one name: which weights are changed how, chosen a request.

    model: "demo"            the model itself
    model: "demo:poet"       the model with the adapter "poet"

A row of a batch may have another adapter than its neighbour, so an adapter is part of the engine's request and not of the model. Today the engine has none
(it refuses by name); the low-rank adapters and steering vectors of the tuning and interpretation rooms will be found here by their names.
"""

from collections.abc import Iterable

from groundup.serving.api.errors import ApiError


def divided(name: str | None, models: Iterable[str]) -> tuple[str | None, str | None]:
    """The model and the adapter that a name means; a model's own name may hold a colon.

    >>> divided("demo:poet", ["demo"]), divided("demo", ["demo"]), divided("a:b", ["a:b"])
    (('demo', 'poet'), ('demo', None), ('a:b', None))
    """
    known = set(models)
    if name is None or name in known or ":" not in name:
        return name, None
    model, _, adapter = name.rpartition(":")
    return (model, adapter) if model in known else (name, None)


def check(model: str, adapter: str | None, known: Iterable[str] = ()) -> None:
    """Refuse an adapter that is not there."""
    if adapter is not None and adapter not in known:
        there = ", ".join(known) or "none yet"
        raise ApiError(
            404,
            f"The model '{model}' has no adapter '{adapter}'; it has {there}, so leave it out",
            param="model",
            code="model_not_found",
        )
