"""The model card: README.md of the published model folder, and `groundup.json` beside it, from which `chat` opens.

The card says what a reader must know before using the model: data, floor, scores with their intervals, limits, and the command that made it. Its front
matter is the Hugging Face hub's, so that the folder can be uploaded as it is.
"""

from collections.abc import Mapping
from typing import Any

LIMITS = """- It knows the worlds it was trained on and little else: outside of them it produces text of their form, not facts.
- It was not tested for safety; do not put it before users.
- A context of {context} tokens, answer included."""

TASKS = {  # objective -> what the hub calls that use; any other is text-generation
    "masked": "fill-mask",
    "contrastive": "sentence-similarity",
    "span": "text2text-generation",
    "denoisers": "text2text-generation",
}


def card(results: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """The model card in Markdown."""
    model = results["model"]
    parts = [
        front_matter(model.get("objective", "causal")),
        f"# {results['recipe']}\n\n{results['description']}",
        f"Made with [groundup](https://pypi.org/project/groundup/) {results['versions']['groundup']} by `{results['command'] or 'groundup run'}` "
        f"(seed {results['seed']}, {results['machine']}, {results['cost']['seconds'] / 60:.1f} minutes).",
        f"## Model\n\n{model.get('family', '')}, {model.get('parameters', 0):,} parameters, vocabulary {model.get('vocab_size', 0):,}.",
        f"## Data\n\n{about['trained_on']}.",
        f"## Scores\n\n{bits_table(results['bits_per_byte'])}\n\n{accuracy_table(results['accuracy'])}",
        f"## Limits\n\n{LIMITS.format(context=model.get('context', '?'))}",
        "## Try\n\n" + "\n".join(f"- {prompt}" for prompt in about["prompts"]),
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(objective: str = "causal") -> str:
    """The hub's YAML: what kind of model it is."""
    task = TASKS.get(objective, "text-generation")
    return f"---\nlibrary_name: transformers\npipeline_tag: {task}\ntags:\n- groundup\n---"


def bits_table(bits: Mapping[str, Any]) -> str:
    """Bits per byte on held-out text: every model beside the baselines and the floor."""
    if not bits:
        return ""
    columns = list(dict.fromkeys(who for world in bits.values() for who in world["who"]))
    rows = [
        [world, *(f"{entry['who'][who]['value']:.3f}" if who in entry["who"] else "" for who in columns)]
        for world, entry in bits.items()
    ]
    return "Bits per byte of held-out text (lower is better):\n\n" + table(["", *columns], rows)


def accuracy_table(accuracy: Mapping[str, Any]) -> str:
    """Answers that are exactly right, with 95 % intervals."""
    if not accuracy:
        return ""
    kinds = ("overall", "seen", "unseen")
    rows = [[who, *(share(entry[kind]) if kind in entry else "" for kind in kinds)] for who, entry in accuracy.items()]
    return "Held-out instructions answered exactly (95 % interval):\n\n" + table(
        ["after", "all", "seen compositions", "unseen compositions"], rows
    )


def share(entry: Mapping[str, float]) -> str:
    """A share with its interval: 93.1 % (91.0-94.8)."""
    return f"{100 * entry['value']:.1f} % ({100 * entry['low']:.1f}-{100 * entry['high']:.1f})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [head, None, *rows]
    return "\n".join("|" + "---|" * len(head) if line is None else "| " + " | ".join(line) + " |" for line in lines)
