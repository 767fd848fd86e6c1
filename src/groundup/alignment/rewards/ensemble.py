"""Several reward models: their mean, and how far they are apart.

    score = mean - pessimism * deviation         an answer that only some of them like is not trusted

A policy looks for answers that a reward model overrates. Models with different heads and orders overrate different answers, so where they
disagree is where the score is least to be believed. Coste et al. 2023, arXiv:2310.02743, eq. 3 and 4 (worst case, uncertainty-weighted; their
variance is replaced by the deviation, so that pessimism is in points of score);
members that differ by their head and data order alone agree more than members pretrained apart (Eisenstein et al. 2023,
arXiv:2312.09244): they help less than they promise.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from groundup.alignment.rewards.likelihood import load_judge
from groundup.errors import InputError

MEMBER = "member-{:02d}"


class Ensemble:
    """Reward models that judge together. pessimism: deviations taken off the mean; infinite: the worst member counts."""

    def __init__(self, members: Sequence[Any], pessimism: float = 1.0):
        if not members:
            raise InputError("an ensemble needs a member; give at least one reward model")
        if not pessimism >= 0:
            raise InputError(f"pessimism={pessimism} is not 0 or more; use 1, or float('inf') for the worst member")
        self.members, self.pessimism = list(members), pessimism

    @classmethod
    def load(cls, folder: str | Path, pessimism: float = 1.0, device: str = "cpu") -> "Ensemble":
        """The members in a folder: member-00, member-01, ...; a folder of one model is an ensemble of one."""
        found = sorted(Path(folder).glob("member-*")) or [Path(folder)]
        return cls([load_judge(one, device) for one in found], pessimism)

    def all_scores(self, prompts: Sequence[Any], answers: Sequence[Any]) -> list[Tensor]:
        """For each prompt the scores (members, answers)."""
        made = [member.score_ids(prompts, answers) for member in self.members]
        return [torch.stack(list(rows)) for rows in zip(*made, strict=True)]

    def score_ids(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> list[Tensor]:
        """The scores of several answers to each prompt, doubt taken off."""
        return [self.joined(rows) for rows in self.all_scores(prompts, answers)]

    def joined(self, rows: Tensor) -> Tensor:
        """(members, answers) -> answers."""
        if self.pessimism == float("inf"):
            return rows.amin(0)
        return rows.mean(0) - self.pessimism * rows.std(0, correction=0)

    def score_pairs(self, pairs: Sequence[Any]) -> Tensor:
        """The joined scores of the chosen and of the rejected answer of each pair."""
        answers = [[pair.chosen_ids, pair.rejected_ids] for pair in pairs]
        return torch.stack(self.score_ids([pair.prompt_ids for pair in pairs], answers))
