"""Vectors, asked: nearest words, analogies, a map of the most frequent words."""

from pathlib import Path
from typing import Any

from groundup.cli.classical.inspecting import Shown
from groundup.cli.classical.questions import Questions

MAPPED = 200  # words on a map: of 400 the spellings hide each other
FEWEST = 20  # for t-SNE; fewer are shown by their two main directions


def answer(vectors: Any, questions: Questions) -> Shown:
    """Everything that was asked, together."""
    from groundup.classical.embeddings.evaluation.scores import answer as analogy
    from groundup.cli import show

    found: dict[str, Any] = {}
    if questions.word is not None:
        near = vectors.nearest(questions.word)
        found["neighbours"] = {"word": questions.word, "known": questions.word in vectors, "nearest": near}
    if questions.analogy is not None:
        a, b, c = questions.analogy
        found["analogy"] = {"a": a, "b": b, "c": c, "answer": analogy(vectors, a, b, c)}
    if questions.map is not None:
        found["map"] = {"written": str(questions.map), "words": draw_map(vectors, questions.map)}

    def print_it() -> None:
        if told := found.get("neighbours"):
            note = "" if told["known"] else " (never seen: a vector from its pieces)"
            rows = [[word, f"{score:.3f}"] for word, score in told["nearest"]]
            show.table(f"nearest to {told['word']}{note}", ["word", "similarity"], rows)
        if told := found.get("analogy"):
            print(f"{told['a']} is to {told['b']} as {told['c']} is to {told['answer']}")
        if told := found.get("map"):
            print(f"{told['written']}: a map of {told['words']} words")

    return found, print_it


def draw_map(vectors: Any, path: Path) -> int:
    """Write the map of the first words; how many there are."""
    from groundup import files, plots
    from groundup.classical.embeddings.evaluation import t_sne

    shown = vectors.unit[:MAPPED]
    if len(shown) < FEWEST:
        title, places = "words by their two main directions", t_sne.principal_map(shown, min(2, vectors.dimension))
    else:
        config = t_sne.TsneConfig(perplexity=min(30.0, (len(shown) - 1) / 3))
        title, places = "words by t-SNE: what is near is alike", t_sne.tsne_map(shown, config).places
    figure = plots.scatter(places, labels=vectors.words[:MAPPED], title=title)
    files.write_text(path, plots.to_html([figure], title="word vectors"))
    return len(shown)
