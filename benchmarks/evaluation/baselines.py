"""What the nearest neighbour costs: 2,000 queries against 20,000 prompts, beside scikit-learn's TF-IDF where installed.

python benchmarks/evaluation/baselines.py
"""

import random
import time

from groundup.evaluation.baselines import NearestNeighbour


def prompts(count: int) -> list[str]:
    """Texts of 6 to 25 words, of 1,500 with Zipf's frequencies."""
    source = random.Random(0)
    words = [f"word{number}" for number in range(1, 1501)]
    weights = [1 / number for number in range(1, 1501)]
    return [" ".join(source.choices(words, weights, k=source.randint(6, 25))) for _ in range(count)]


def theirs(training: list[str], queries: list[str]) -> list[int]:
    """The same with scikit-learn and scipy's sparse matrices."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]")
    matrix = vectorizer.fit_transform(training)
    similarity = vectorizer.transform(queries) @ matrix.T
    return [int(row.toarray().argmax()) for row in similarity]


def main() -> None:
    """Print both times."""
    texts = prompts(22_000)
    training, queries = texts[:20_000], texts[20_000:]
    start = time.process_time()
    index = NearestNeighbour(training)
    found = [index.find(query) for query in queries]
    ours = time.process_time() - start
    print(f"ours          {ours:.2f} s")
    try:
        start = time.process_time()
        expected = theirs(training, queries)
        peer = time.process_time() - start
    except ImportError:
        return
    agree = sum(a == b for a, b in zip(found, expected, strict=True)) / len(found)
    print(f"scikit-learn  {peer:.2f} s ({peer / ours:.2f}x), same answer {agree:.1%}")


if __name__ == "__main__":
    main()
