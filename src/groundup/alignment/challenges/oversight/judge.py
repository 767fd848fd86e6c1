"""A weak judge that is learned: a small network that looks at the last digits of one addition and says whether it holds.

It has seen a part of the 1,000 triples of last digits, so on others it is often wrong; nobody told it what an addition is. How reliable it is
in a debate is known exactly, as there are only so many triples. Left out: judges that learn from debates (Irving et al. 2018, section 3).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.alignment.challenges.oversight.debate import WRONG_BY
from groundup.errors import InputError

ALL = torch.cartesian_prod(*[torch.arange(10)] * 3)  # every triple of last digits
HOLDS = (ALL[:, 0] + ALL[:, 1] - ALL[:, 2]) % 10 == 0
WIDTH, STEPS, RATE = 64, 150, 0.02


def one_hot(triples: Tensor) -> Float[Tensor, "triples 30"]:
    """Three last digits as 30 numbers, three of them 1."""
    return nn.functional.one_hot(triples, 10).flatten(1).float()


@dataclass(frozen=True, slots=True)
class LearnedJudge:
    """What the network says of every triple of last digits: does it hold?"""

    says: Tensor  # (10, 10, 10), bool

    def __call__(self, first: int, second: int, total: int) -> bool:
        """Look at the last digits of one addition."""
        return bool(self.says[first % 10, second % 10, total % 10])

    @property
    def reliability(self) -> float:
        """P(right) over all additions of two last digits, one half of them right, the others wrong by as much as a lie is."""
        first, second = torch.cartesian_prod(torch.arange(10), torch.arange(10)).T
        right = self.says[first, second, (first + second) % 10].double().mean()
        wrong = [(~self.says[first, second, (first + second + by) % 10]).double().mean() for by in WRONG_BY]
        return float((right + torch.stack(wrong).mean()) / 2)


def learned_judge(examples: int = 600, seed: int = 0) -> LearnedJudge:
    """Train the judge on so many of the 1,000 triples; those that hold, one in ten, weigh as much as all others together."""
    if not 10 <= examples <= len(ALL):
        raise InputError(f"examples={examples} is not possible; there are 1,000 triples, use 10 to 1,000 of them")
    source = torch.Generator().manual_seed(seed)
    shown = torch.randperm(len(ALL), generator=source)[:examples]
    inputs, labels = one_hot(ALL[shown]), HOLDS[shown].float()
    layers = [nn.Linear(30, WIDTH), nn.Linear(WIDTH, 1)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=source)
        nn.init.zeros_(layer.bias)
    network = nn.Sequential(layers[0], nn.ReLU(), layers[1])
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    weight = torch.tensor(float((labels == 0).sum()) / max(1.0, float(labels.sum())))
    for _ in range(STEPS):
        loss = nn.functional.binary_cross_entropy_with_logits(network(inputs)[:, 0], labels, pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return LearnedJudge((network(one_hot(ALL))[:, 0] > 0).view(10, 10, 10))
