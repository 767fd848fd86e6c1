"""What a tokenizer does to learning: the same sums and the same words, cut differently, to the same model.

Arithmetic. `1234+5678` can be single digits, digits with the answer's last one first (the order in which a carry is known), chunks of three
from the left (`123` `4`: a chunk's place value depends on the number's length) or from the right (`1` `234`: thousands stay thousands).
Singh and Strouse 2024 (arXiv:2402.14903) measured the last two on large models; Lee et al. 2023 (arXiv:2307.03381) the order of digits.

Spelling. A word that is one token hides its letters: a model can spell only words whose spelling it was told. From pieces it can
learn how each piece is spelled and spell new words; from letters it only copies.

A way is a function from a string to its tokens. This room knows no model: `study` is given a function that trains one, and calls it with
equal examples, cut differently, for every seed. Left out: everything that large models learn from elsewhere.
"""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from groundup.errors import ConfigError
from groundup.text.preprocess.one_hot import Vocabulary, count_tokens
from groundup.text.tokenizers.bpe import encode_piece, train_bpe

Way = Callable[[str], list[str]]


def from_left(text: str, size: int = 3) -> list[str]:
    """Chunks of `size` digits, counted from the left, as the split patterns of Llama 3 and GPT-4 do.

    >>> from_left("1234567")
    ['123', '456', '7']
    """
    return [text[place : place + size] for place in range(0, len(text), size)]


def from_right(text: str, size: int = 3) -> list[str]:
    """Chunks of `size` digits, counted from the right, as people write thousands.

    >>> from_right("1234567")
    ['1', '234', '567']
    """
    first = len(text) % size
    return [text[:first]] * bool(first) + from_left(text[first:], size)


@dataclass(frozen=True, slots=True)
class Cut:
    """How a question and its answer become tokens."""

    question: Way
    answer: Way


def last_first(text: str) -> list[str]:
    """Single digits, the last one first."""
    return list(text[::-1])


def arithmetic(size: int = 3) -> dict[str, Cut]:
    """The ways to show a sum: single digits, in both orders of the answer, and chunks of `size` digits from both sides."""
    left, right = (lambda text: from_left(text, size)), (lambda text: from_right(text, size))
    return {
        "digits": Cut(list, list),
        "digits, last first": Cut(list, last_first),
        "chunks from the left": Cut(left, left),
        "chunks from the right": Cut(right, right),
    }


def pieces(words: Sequence[str], merges: int) -> Way:
    """Cut words by byte pair encoding learned on them."""
    learned = train_bpe({word.encode(): 1 for word in words}, merges)
    ranks = {pair: rank for rank, pair in enumerate(learned)}
    return lambda word: [token.decode(errors="replace") for token in encode_piece(word.encode(), ranks)]


def spelling(words: Sequence[str], merges: int = 60) -> dict[str, Cut]:
    """The ways to show a word whose letters are asked for."""
    return {
        "letters": Cut(list, list),
        "pieces": Cut(pieces(words, merges), list),
        "one token a word": Cut(lambda word: [word], list),
    }


@dataclass(frozen=True, slots=True)
class Example:
    """A question and its answer as ids. The answer ends with the end token (id 1); between them stands id 2; id 0 fills."""

    question: tuple[int, ...]
    answer: tuple[int, ...]


SPECIAL = ("<pad>", "<end>", "=", "<unk>")


@dataclass(frozen=True, slots=True)
class Task:
    """One task under one cut: what to learn from, what to be asked, and how many ids there are."""

    train: tuple[Example, ...]
    test: tuple[Example, ...]
    vocabulary: Vocabulary

    @property
    def longest(self) -> int:
        """Tokens of the longest example, question, mark and answer together."""
        return max(len(one.question) + 1 + len(one.answer) for one in (*self.train, *self.test))


def additions(count: int, digits: int, seed: int = 0) -> list[tuple[list[str], str]]:
    """Different sums of two numbers with up to `digits` digits: (the two numbers, their sum), lengths spread evenly."""
    choose = random.Random(seed)
    found: dict[tuple[int, int], None] = {}
    for _ in range(100 * count):
        if len(found) == count:
            return [([str(one), str(other)], str(one + other)) for one, other in found]
        sizes = choose.randint(1, digits), choose.randint(1, digits)
        one, other = (choose.randrange(10 ** (size - 1) if size > 1 else 0, 10**size) for size in sizes)
        found[one, other] = None
    raise ConfigError(
        f"there are not {count} different sums of up to {digits} digits; ask for fewer or use more digits"
    )


def cut(problems: Sequence[tuple[Sequence[str], str]], held_out: Sequence[tuple[Sequence[str], str]], way: Cut) -> Task:
    """Problems as ids under one cut; the parts of a question are joined by `+`."""

    def tokens(problem: tuple[Sequence[str], str]) -> tuple[list[str], list[str]]:
        parts, answer = problem
        question = [token for part in parts for token in ["+", *way.question(part)]]
        return question[1:], way.answer(answer)

    told, asked = ([tokens(problem) for problem in some] for some in (problems, held_out))
    known = count_tokens([*(question for question, _ in told), *(answer for _, answer in told)])
    vocabulary = Vocabulary([*SPECIAL, *sorted(set(known) - set(SPECIAL))], "<unk>")

    def examples(some: list[tuple[list[str], list[str]]]) -> tuple[Example, ...]:
        return tuple(Example(tuple(vocabulary.encode(q)), (*vocabulary.encode(a), 1)) for q, a in some)

    return Task(examples(told), examples(asked), vocabulary)


def spelled(words: Sequence[str]) -> list[tuple[list[str], str]]:
    """Words as problems: the answer is the word itself, letter by letter."""
    return [([word], word) for word in words]


@dataclass(frozen=True, slots=True)
class Result:
    """Accuracy of whole answers on what was not trained on, one number a seed."""

    accuracies: tuple[float, ...]
    vocab_size: int
    tokens_per_example: float

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.accuracies)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest."""
        return min(self.accuracies), max(self.accuracies)


def study(
    train: Callable[[Task, int], float], tasks: Mapping[str, Task], seeds: Sequence[int] = (0, 1, 2)
) -> dict[str, Result]:
    """Train on every task with every seed. train(task, seed): trains a model and gives its accuracy on task.test."""
    results = {}
    for name, task in tasks.items():
        accuracies = tuple(float(train(task, seed)) for seed in seeds)
        lengths = [len(one.question) + 1 + len(one.answer) for one in task.train]
        results[name] = Result(accuracies, len(task.vocabulary), statistics.fmean(lengths))
    return results
