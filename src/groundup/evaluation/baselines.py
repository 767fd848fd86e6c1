"""What looking up and counting reach: the most similar question's answer, and the likeliest next token by n-grams.

    nearest_neighbour   cosine of TF-IDF word vectors (Spärck Jones 1972) over an inverted index; of equals the earlier
    ngram_answerer      Kneser-Ney over the chat tokens that a model is tuned on, always the likeliest next token

A task that one of them solves needs no model; a model that is no better has learned to look up.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.evaluation.tasks.instructions import prompt_ids
from groundup.evaluation.tasks.samples import Answerer

WORD = re.compile(r"\w+|[^\w\s]")


class NearestNeighbour:
    """Finds the training text most similar to a query: word order does not count, a rare word counts more."""

    def __init__(self, texts: Sequence[str]):
        counts = [Counter(words(text)) for text in texts]
        self.columns = {word: column for column, word in enumerate(sorted(set().union(*counts)))}
        column = np.array([self.columns[word] for count in counts for word in count], dtype=np.int64)
        row = np.repeat(np.arange(len(texts)), [len(count) for count in counts])
        frequency = np.array([value for count in counts for value in count.values()], dtype=np.float64)
        present = np.bincount(column, minlength=len(self.columns))
        self.rarity = np.log((1 + len(texts)) / (1 + present)) + 1
        weight = frequency * self.rarity[column]
        norm = np.sqrt(np.bincount(row, weight**2, minlength=len(texts)))
        order = np.argsort(column, kind="stable")
        self.rows, self.weights = row[order], (weight / norm[row])[order]
        self.begins = np.concatenate(([0], np.cumsum(present)))
        self.size = len(texts)

    def similarities(self, text: str) -> NDArray[np.float64]:
        """The cosine of `text` with every training text; words never seen are left out."""
        known = Counter(word for word in words(text) if word in self.columns)
        columns = [self.columns[word] for word in known]
        weight = np.array([known[word] for word in known]) * self.rarity[columns]
        places = [slice(self.begins[column], self.begins[column + 1]) for column in columns]
        if not places:
            return np.zeros(self.size)
        rows = np.concatenate([self.rows[place] for place in places])
        products = np.concatenate([self.weights[place] * value for place, value in zip(places, weight, strict=True)])
        return np.bincount(rows, products, minlength=self.size) / np.linalg.norm(weight)

    def find(self, text: str) -> int:
        """The index of the most similar training text."""
        return int(self.similarities(text).argmax())


def words(text: str) -> list[str]:
    """Words in lower case and single punctuation marks.

    >>> words("Who has the red ball?")
    ['who', 'has', 'the', 'red', 'ball', '?']
    """
    return WORD.findall(text.lower())


def nearest_neighbour(training: Sequence[Any]) -> Answerer:
    """Answer with the answer of the most similar training item."""
    index = NearestNeighbour([item.prompt for item in training])
    return lambda items: [training[index.find(item.prompt)].answer for item in items]


def ngram_answerer(training: Sequence[Any], tokenizer: Any, max_new_tokens: int, order: int = 5) -> Answerer:
    """Answer with an n-gram model of the training items in the chat format."""
    from groundup.evaluation.metrics.intrinsic import fit_ngram
    from groundup.inference.handle import end_of_turn

    model = fit_ngram(conversations(training, tokenizer), order, tokenizer.vocab_size)
    following = likeliest_after(model)
    stops = end_of_turn(tokenizer) | {tokenizer.eos_token_id}

    def answer(items: Sequence[Any]) -> list[str]:
        prompts = [prompt_ids(tokenizer, item.prompt) for item in items]
        return [
            tokenizer.decode(continued(following, prompt, stops, max_new_tokens), skip_special_tokens=True)
            for prompt in prompts
        ]

    return answer


def conversations(items: Sequence[Any], tokenizer: Any) -> Any:
    """Question and answer as documents of chat tokens. What a message spells stays text, as the template holds."""
    from groundup.evaluation.metrics.intrinsic import TokenDocuments

    chats = [
        [{"role": "user", "content": item.prompt}, {"role": "assistant", "content": item.answer}] for item in items
    ]
    encoded = [tokenizer.apply_chat_template(chat) for chat in chats]
    offsets = np.concatenate(([0], np.cumsum([len(ids) for ids in encoded])))
    ids = np.array([token for ids in encoded for token in ids], dtype=np.int32)
    sizes = np.array([len(item.prompt.encode()) + len(item.answer.encode()) for item in items])
    return TokenDocuments(ids, offsets, sizes, tokenizer.eos_token_id)


def likeliest_after(model: Any) -> Callable[[Sequence[int]], int]:
    """A function that tells the likeliest token after some tokens; what follows a context is looked up only once."""
    known: dict[tuple[int, ...], int] = {}

    def following(ids: Sequence[int]) -> int:
        context = tuple(ids[len(ids) - model.order + 1 :]) if len(ids) >= model.order else tuple(ids)
        if context not in known:
            known[context] = int(np.argmax(model.distribution(context)))
        return known[context]

    return following


def continued(
    following: Callable[[Sequence[int]], int], prompt: Sequence[int], stops: Collection[int], limit: int
) -> list[int]:
    """What `following` adds to `prompt`, until one of `stops` (left out) or `limit` tokens."""
    ids = list(prompt)
    while len(ids) < len(prompt) + limit and (token := following(ids)) not in stops:
        ids.append(token)
    return ids[len(prompt) :]
