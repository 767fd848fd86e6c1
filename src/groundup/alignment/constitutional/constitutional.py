"""Constitutional AI: no person labels an answer; a constitution is written, and the model holds its own answers to it.

    SL-CAI   answer -> critique, principle by principle -> revision where one is broken -> tuning on what was revised
    RL-CAI   two answers -> the model says which breaks the constitution less -> its preferences are learned (here by DPO)

A judge that reads two answers prefers the first, or the second, whatever they say. So each pair is shown in both orders, and its probability is the
mean of both (`preferred`): a leaning to a place cancels, and a pair of which it alone decides comes out at one half.

Bai et al. 2022, arXiv:2212.08073, sections 3.1 (critique and revision, a random principle each time) and 4.1 (feedback from the model's normalised
log-probabilities of the choices, clamped; the order is not turned there). The world is tinyworld, so that the truth is known: who is rude or wordy
is written, and the critic can be counted. Left out: chains of thought in the judge; a preference model and PPO (`ppo` has them).
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.answers import log_probabilities, side_by_side
from groundup.alignment.dpo.dpo import sums_of_answers
from groundup.alignment.preferences.data import Pair
from groundup.data.sources.tinyworld.reward import POLITE, RUDE, WORDY, inside
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.slots import slot

AT_ONCE = 64  # prompts answered or judged together
LEAST_CERTAIN = 0.6  # a pair of which the judge is less sure teaches nothing
MANNERS = (("{}",), POLITE, RUDE, WORDY)
Talk = list[dict[str, str]]


def framed(text: str, frames: Sequence[str]) -> str | None:
    """What stands inside one of the frames; None where the text has none of them."""
    return next((inner for frame in frames if (inner := inside(frame, text)) is not None), None)


@dataclass(frozen=True, slots=True)
class Principle:
    """A line of the constitution: how it is asked about, and, for counting and for demonstrations alone, its truth."""

    name: str
    frames: tuple[str, ...]  # what breaks it in tinyworld

    def broken(self, text: str) -> bool:
        """Whether an answer breaks it: the written truth, which the model never reads."""
        return framed(text, self.frames) is not None

    def critique(self, question: str, answer: str) -> str:
        """How a critique is asked for; the answer to it is yes or no."""
        return f"{question}\nAnswer: {answer}\nIs this answer {self.name}?"

    def revision(self, question: str, answer: str) -> str:
        """How a revision is asked for."""
        return f"{question}\nAnswer: {answer}\nSay it again, not {self.name}."

    def comparison(self, question: str, first: str, second: str) -> str:
        """How the judge is asked; the answer to it is 1 or 2."""
        return f"{question}\n1: {first}\n2: {second}\nWhich is less {self.name}?"


CONSTITUTION = (Principle("rude", RUDE), Principle("wordy", WORDY))


def demonstrations(seed: int, count: int, families: tuple[str, ...]) -> Iterator[Talk]:
    """Conversations that show the four skills in turns: an answer in any manner, a critique, a revision, a comparison."""
    from groundup.data.sources.tinyworld import instructions

    source = random.Random(f"constitution {seed}")
    for place, item in enumerate(instructions(seed, count, "train", families)):
        first, second = (source.choice(source.choice(MANNERS)).format(item.answer) for _ in range(2))
        law = source.choice(CONSTITUTION)
        asked, said = item.prompt, first
        if place % 4 == 1:
            asked, said = law.critique(item.prompt, first), "yes" if law.broken(first) else "no"
        if place % 4 == 2:
            asked, said = law.revision(item.prompt, first), item.answer if law.broken(first) else first
        if place % 4 == 3:
            if law.broken(first) == law.broken(second):  # a comparison that has an answer
                second = item.answer if law.broken(first) else source.choice(law.frames).format(item.answer)
            asked, said = law.comparison(item.prompt, first, second), "2" if law.broken(first) else "1"
        yield [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]


@dataclass(frozen=True, slots=True)
class Speaker:
    """A module that answers questions, with what it needs for it."""

    module: Any
    tokenizer: Any
    stop_ids: frozenset[int]

    def prompt_ids(self, question: str) -> list[int]:
        """A question as the chat template writes it, with the answer about to begin."""
        asked: list[int] = self.tokenizer.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True)
        return asked

    def answers(self, questions: Sequence[str], seed: int, temperature: float = 1.0, most: int = 32) -> list[str]:
        """An answer to each question."""
        said, pad = list[str](), self.tokenizer.pad_token_id or 0
        for start in range(0, len(questions), AT_ONCE):
            rows = [self.prompt_ids(question) for question in questions[start : start + AT_ONCE]]
            drawn = SamplingConfig(max_new_tokens=most, temperature=temperature, seed=seed + start)
            made = generate_batch(self.module, rows, drawn, self.stop_ids, pad_id=pad)
            said += [self.tokenizer.decode(one.ids, skip_special_tokens=True) for one in made]
        return said

    @torch.no_grad()
    def log_odds(self, questions: Sequence[str], yes: str, no: str) -> Float[Tensor, " questions"]:
        """How much likelier one answer to each question is than another, in nats."""
        made = list[Tensor]()
        choices = [self.tokenizer.encode(word) for word in (yes, no)]
        for start in range(0, len(questions), AT_ONCE):
            rows = [self.prompt_ids(question) for question in questions[start : start + AT_ONCE]]
            batch = side_by_side(rows, [choices] * len(rows)).to(self.module.device)
            scores = sums_of_answers(log_probabilities(self.module, batch), batch.answers, 2 * len(rows)).cpu()
            made.append(scores[0::2] - scores[1::2])
        return torch.cat(made)


@dataclass(frozen=True, slots=True)
class Revised:
    """An answer, the principle it was held to, what the critic said, and what became of it."""

    question: str
    answer: str
    principle: Principle
    broken: bool
    revision: str

    @property
    def critic_is_right(self) -> bool:
        """Whether the critic said what is so, by the written truth."""
        return self.broken == self.principle.broken(self.answer)


def revised(speaker: Speaker, questions: Sequence[str], seed: int, most: int = 32) -> list[Revised]:
    """Answer, criticise by a principle drawn for each, and revise what is said to break it."""
    source = random.Random(f"principles {seed}")
    laws = [source.choice(CONSTITUTION) for _ in questions]
    said = speaker.answers(questions, seed, most=most)
    triples = list(zip(questions, said, laws, strict=True))
    broken = (speaker.log_odds([law.critique(question, answer) for question, answer, law in triples], "yes", "no") > 0).tolist()
    again = [law.revision(question, answer) for (question, answer, law), bad in zip(triples, broken, strict=True) if bad]
    mended = iter(speaker.answers(again, seed, temperature=0.0, most=most) if again else ())
    return [
        Revised(question, answer, law, bad, next(mended) if bad else answer)
        for (question, answer, law), bad in zip(triples, broken, strict=True)
    ]


@slot
def preferred(first_shown: Float[Tensor, " pairs"], second_shown: Float[Tensor, " pairs"]) -> Float[Tensor, " pairs"]:
    """The probability that an answer is the better of its pair, from the judge's log odds with it shown first, and shown second.

    first_shown: log p("1") - log p("2") when the answer stands in place 1; second_shown: the same difference when it stands in place 2.

    >>> preferred(torch.tensor([3.0]), torch.tensor([3.0]))  # the judge always says "1": a leaning to the place, and nothing more
    tensor([0.5000])
    """
    return (first_shown.sigmoid() + (-second_shown).sigmoid()) / 2


def compared(speaker: Speaker, questions: Sequence[str], seed: int, most: int = 32) -> list[Pair]:
    """The model's own preferences between two of its answers to each question; pairs of which it is unsure are left out."""
    source = random.Random(f"comparisons {seed}")
    one, other = (speaker.answers(questions, seed + shift, most=most) for shift in (0, 1_000_000))
    kept = [place for place, both in enumerate(zip(one, other, strict=True)) if len(set(both)) == 2 and all(map(str.strip, both))]
    laws = {place: source.choice(CONSTITUTION) for place in kept}
    forth = [laws[place].comparison(questions[place], one[place], other[place]) for place in kept]
    back = [laws[place].comparison(questions[place], other[place], one[place]) for place in kept]
    if not kept:
        return []
    sure = preferred(speaker.log_odds(forth, "1", "2"), speaker.log_odds(back, "1", "2")).tolist()
    pairs = list[Pair]()
    for place, probability in zip(kept, sure, strict=True):
        better, worse = (one, other) if probability > 0.5 else (other, one)
        if max(probability, 1 - probability) >= LEAST_CERTAIN:
            asked = ({"role": "user", "content": questions[place]},)
            pairs.append(Pair(asked, better[place], worse[place], margin=abs(2 * probability - 1)))
    return pairs


def measured(
    speaker: Speaker, items: Sequence[Any], right: Callable[[Any, str], float], seed: int = 7, most: int = 32
) -> dict[str, float]:
    """How often answers break each principle, and how often what they say is right, whatever the manner; by the written truth."""
    said = speaker.answers([item.prompt for item in items], seed, most=most)
    numbers = {law.name: sum(map(law.broken, said)) / len(said) for law in CONSTITUTION}
    inner = [next((found for frames in MANNERS[1:] if (found := framed(text, frames)) is not None), text) for text in said]
    return numbers | {"right": sum(right(item, text) for item, text in zip(items, inner, strict=True)) / len(items)}
