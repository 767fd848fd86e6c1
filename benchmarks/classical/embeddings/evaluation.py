"""Neighbours, analogies, t-SNE and UMAP beside scikit-learn, gensim and umap-learn, in one run.

    python benchmarks/classical/embeddings/evaluation.py [--points 2000] [--dimensions 100] [--rounds 3] [--maps 1] [--json]

Points lie in twenty heaps. Settings are the same: t-SNE perplexity 30 and 1000 steps from the main axes (scikit-learn's Barnes-Hut), UMAP 15
neighbours and 500 epochs from the main axes. Divergence and purity stand beside the times. One thread each; tools that compile run once before.
"""

import argparse
import json
import statistics
import warnings
from collections.abc import Callable

import numpy as np

from groundup.classical.embeddings.evaluation.neighbours import nearest_neighbours, purity
from groundup.classical.embeddings.evaluation.scores import score_analogies
from groundup.classical.embeddings.evaluation.t_sne import tsne_map
from groundup.classical.embeddings.evaluation.umap import umap_map
from groundup.classical.embeddings.vectors import WordVectors
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name


def heaps(count: int, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and the heap of each."""
    source = np.random.default_rng(0)
    heap = source.integers(0, 20, count)
    return (source.normal(size=(count, dimensions)) + 2 * source.normal(size=(20, dimensions))[heap]).astype(
        np.float32
    ), heap


def lookups(points: np.ndarray) -> dict[str, Callable[[], object]]:
    """Neighbours of all points and 500 analogies, ours and theirs."""
    from gensim.models import KeyedVectors
    from sklearn.neighbors import NearestNeighbors

    words = [f"w{i}" for i in range(len(points))]
    ours, theirs = WordVectors(words, points), KeyedVectors(points.shape[1])
    theirs.add_vectors(words, points)
    theirs.fill_norms()
    asked = [[words[i] for i in row] for row in np.random.default_rng(1).integers(0, len(points), (500, 4))]
    questions = {"all": [(a, b, c, d) for a, b, c, d in asked]}
    return {
        "nearest_neighbours, k 15": lambda: nearest_neighbours(points, 15),
        "scikit-learn brute, k 15": lambda: (
            NearestNeighbors(n_neighbors=15, algorithm="brute").fit(points).kneighbors()
        ),
        "500 analogies": lambda: score_analogies(ours, questions),
        "gensim, 500 analogies": lambda: [theirs.most_similar([b, c], [a], topn=1) for a, b, c, _ in asked],
    }


def maps(points: np.ndarray, made: dict[str, object]) -> dict[str, Callable[[], object]]:
    """Maps, ours and theirs; what they make is kept."""
    from sklearn.manifold import TSNE
    from umap import UMAP

    def keep(name: str, work: Callable[[], object]) -> Callable[[], object]:
        return lambda: made.__setitem__(name, work())

    return {
        "t-SNE": keep("t-SNE", lambda: tsne_map(points)),
        "scikit-learn t-SNE": keep("scikit-learn t-SNE", lambda: TSNE(init="pca", random_state=0).fit(points)),
        "UMAP": keep("UMAP", lambda: umap_map(points)),
        "umap-learn": keep("umap-learn", lambda: UMAP(init="pca", random_state=0, n_jobs=1).fit_transform(points)),
    }


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("points", 2000), ("dimensions", 100), ("rounds", 3), ("maps", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    points, heap = heaps(arguments.points, arguments.dimensions)
    made: dict[str, object] = {}
    umap_map(points[:200])
    tsne_map(points[:200])
    drawn = maps(points, made)
    drawn["umap-learn"]()  # compiles
    times = in_turns(lookups(points), arguments.rounds, warm=1) | in_turns(drawn, arguments.maps)
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    pairs = list(zip(list(seconds)[::2], list(seconds)[1::2], strict=True))
    ratios = {ours: seconds[theirs] / seconds[ours] for ours, theirs in pairs}
    quality = {
        "t-SNE divergence": made["t-SNE"].divergences[-1], "scikit-learn divergence": float(made["scikit-learn t-SNE"].kl_divergence_),  # type: ignore[attr-defined]
        "UMAP purity": purity(made["UMAP"], heap.tolist(), 10, False), "umap-learn purity": purity(made["umap-learn"], heap.tolist(), 10, False),  # type: ignore[arg-type]
    }  # fmt: skip
    if arguments.json:
        print(json.dumps({"machine": machine_name(), "seconds": seconds, "ratios": ratios, "quality": quality}))
        return
    print(f"{machine_name()}; {points.shape[0]:,} points of {points.shape[1]} numbers")
    for ours, theirs in pairs:
        print(
            f"  {ours:28} {seconds[ours]:8.3f} s   {theirs:28} {seconds[theirs]:8.3f} s   {ratios[ours]:6.2f}x as fast"
        )
    print("  ".join(f"{name} {value:.3f}" for name, value in quality.items()))


if __name__ == "__main__":
    main()
