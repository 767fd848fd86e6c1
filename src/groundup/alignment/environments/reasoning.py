"""Reasoning: thoughts first, then an answer that a program checks; three ways to more of it, each measured.

    traces       a small model learns the form from written thoughts                    demonstrations: a sum, place by place
    rewards      it tries, and only the answer in its tags is judged                    any method that tries, with `environment`
    inference    longer thoughts (a budget, then the answer is forced), more of them (a vote)      budgeted, majority

    <think>4+7=11, 1+4+1=6</think><answer>61</answer>

Thoughts help where the answer needs more steps than the model has layers: a carry is a step, and a written step is read again as a fact. DeepSeek-AI 2025
(R1), arXiv:2501.12948, section 2.2 (tags, rewards); Muennighoff et al. 2025 (s1), arXiv:2501.19393, section 3.1 (budget forcing); Wang et al. 2022,
arXiv:2203.11171 (self-consistency). Left out: search over steps; making a model think on by writing "Wait".
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from groundup.alignment.environments.rollouts import Environment, Task
from groundup.alignment.rewards.verifiable import Reward, in_tags
from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.slots import slot

FAMILIES = ("sum_long",)  # what the demonstrations show: sums of two numbers of two digits
OPEN, CLOSE, ANSWER = "<think>", "</think>", "<answer>"
MOST_SAID = 12  # tokens of an answer behind its thought
SAID = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
NUMBER = re.compile(r"\d+")


def thoughts(first: int, second: int) -> str:
    """A sum written out place by place, the ones first; a carry stands as the third number.

    >>> thoughts(14, 47), thoughts(21, 19)
    ('4+7=11, 1+4+1=6', '1+9=10, 2+1+1=4')
    """
    steps, carry, places = [], 0, max(len(str(first)), len(str(second)))
    for place in range(places):
        one, other = first // 10**place % 10, second // 10**place % 10
        total = one + other + carry
        steps.append(f"{one}+{other}{'+1' if carry else ''}={total}")
        carry = total // 10
    return ", ".join(steps)


def answer_of(text: str) -> str | None:
    """What stands in the answer's tags; None where nothing does.

    >>> answer_of("<think>2+3=5</think><answer> 5</answer>"), answer_of("5")
    ('5', None)
    """
    found = SAID.search(text)
    return found.group(1).strip() if found else None


def demonstrations(seed: int, count: int) -> Iterator[list[dict[str, str]]]:
    """Conversations whose answers think first: sums of tinyworld."""
    from groundup.data.sources.tinyworld import instructions

    for item in instructions(seed, count, "train", FAMILIES):
        first, second = map(int, NUMBER.findall(item.prompt))
        said = f"{OPEN}{thoughts(first, second)}{CLOSE}{ANSWER}{item.answer}</answer>"
        yield [{"role": "user", "content": item.prompt}, {"role": "assistant", "content": said}]


def environment(config: Any) -> Callable[..., Environment]:
    """Questions whose answer is judged only between its tags, and not at all without thoughts before it."""

    def made(tasks: Sequence[Task], reward: Reward, tokenizer: Any, stop_ids: Collection[int]) -> Environment:
        return Environment(tasks, in_tags(reward), tokenizer, stop_ids)

    return made


@slot
def majority(answers: Sequence[str | None]) -> str | None:
    """The answer given most often; None counts for nothing, and of those that tie the one that came first.

    >>> majority(["61", None, "51", "61"]), majority(["4", "5"]), majority([None])
    ('61', '4', None)
    """
    counts = Counter(answer for answer in answers if answer is not None)
    return max(counts, key=counts.__getitem__) if counts else None


def cut_off(text: str) -> str:
    """A thought without its closing tag, whole or begun.

    >>> cut_off("2+3=5</think>so"), cut_off("2+3=5</th")
    ('2+3=5', '2+3=5')
    """
    thought, *rest = text.split(CLOSE)
    begun = 0 if rest else next((length for length in range(len(CLOSE) - 1, 0, -1) if thought.endswith(CLOSE[:length])), 0)
    return thought[: len(thought) - begun]


def room(module: Any, tokenizer: Any, most: int = MOST_SAID) -> int:
    """Tokens of the context that a prompt and its thought may have: the tags and an answer of `most` tokens need the others."""
    return int(module.config.max_position_embeddings) - len(tokenizer.encode(OPEN)) - len(tokenizer.encode(CLOSE + ANSWER)) - most


def budgeted(
    module: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    budget: int,
    sampling: SamplingConfig,
    stop_ids: Collection[int],
) -> list[str]:
    """Answers to prompts, with at most `budget` tokens of thought: whoever still thinks then, or has no more room, must answer.

    sampling.max_new_tokens: of the answer itself. A prompt that leaves less than its tokens and the tags is too long (`room`). InputError for a
    budget below 0.
    """
    if budget < 0:
        raise InputError(f"a budget of {budget} tokens is not possible; use 0 for no thought, or more")
    pad, start = tokenizer.pad_token_id or 0, tokenizer.encode(OPEN)
    rows = [[*prompt, *start] for prompt in prompts]
    thought = [list[int]() for _ in prompts]
    if budget:
        made = generate_batch(module, rows, replace(sampling, max_new_tokens=budget), stop_ids, pad_id=pad)
        thought = [one.ids for one in made]
    texts = [tokenizer.decode(ids, skip_special_tokens=True) for ids in thought]
    most = room(module, tokenizer, sampling.max_new_tokens)
    said = [
        text if answer_of(text) is not None else cut_off(tokenizer.decode(ids[: max(0, most - len(prompt))], skip_special_tokens=True))
        for prompt, ids, text in zip(prompts, thought, texts, strict=True)
    ]
    late = [place for place, text in enumerate(said) if answer_of(text) is None]
    forced = [[*rows[place], *tokenizer.encode(said[place] + CLOSE + ANSWER)] for place in late]
    for place, one in zip(late, generate_batch(module, forced, sampling, stop_ids, pad_id=pad) if late else [], strict=True):
        said[place] += CLOSE + ANSWER + tokenizer.decode(one.ids, skip_special_tokens=True)
    return [OPEN + text for text in said]


@dataclass(frozen=True, slots=True)
class Point:
    """A score at a budget of thought. tokens: of an answer on average, all of its votes together."""

    budget: int
    votes: int
    tokens: float
    score: float


def by_budget(
    module: Any, asked: Environment, items: Sequence[Any], budgets: Sequence[int], votes: int = 1, temperature: float = 1.0
) -> list[Point]:
    """The share of right answers at each budget; votes: so many thoughts are drawn and the majority answers (1: the likeliest one)."""
    points, words = [], asked.tokenizer
    prompts = [task.prompt_ids for task in asked.tasks for _ in range(votes)]
    for budget in budgets:
        drawn = SamplingConfig(max_new_tokens=MOST_SAID, temperature=temperature if votes > 1 else 0.0, seed=budget + 1)
        texts = budgeted(module, words, prompts, budget, drawn, asked.stop_ids)
        given = [answer_of(text) for text in texts]
        chosen = [majority(given[place : place + votes]) for place in range(0, len(given), votes)]
        right = [f"{OPEN}{CLOSE}{ANSWER}{one}</answer>" for one in chosen]
        score = sum(asked.reward(item, text) for item, text in zip(items, right, strict=True)) / len(items)
        points.append(Point(budget, votes, sum(len(words.encode(text)) for text in texts) / len(items), score))
    return points
