"""Every method of `align.method`: the dataclass that reads a recipe's table [align], and what carries it out. Loads no torch."""

METHODS = {  # `align.method` of a recipe, and the dataclass that reads the table [align]
    "grpo": "groundup.alignment.config:GrpoConfig",
    "ppo": "groundup.alignment.config:PpoConfig",
    "rloo": "groundup.alignment.config:RlooConfig",
    "reinforce": "groundup.alignment.config:ReinforceConfig",
    "rejection": "groundup.alignment.rejection.config:RejectionConfig",
    "distill": "groundup.alignment.distill.config:DistillConfig",
    "constitutional": "groundup.alignment.constitutional.config:ConstitutionalConfig",
    **dict.fromkeys(("dpo", "ipo", "kto", "orpo", "simpo"), "groundup.alignment.dpo.config:DpoConfig"),
}
FROM_PAIRS = ("dpo", "ipo", "kto", "orpo", "simpo")  # methods that learn from pairs
TRIERS = {  # methods that try answers: their rounds, which `practice.improve` carries out
    "grpo": "groundup.alignment.grpo:Rounds",
    "ppo": "groundup.alignment.ppo:PpoRounds",
    "rloo": "groundup.alignment.rloo:RlooRounds",
    "reinforce": "groundup.alignment.reinforce:ReinforceRounds",
    "rejection": "groundup.alignment.rejection.trainer:RejectionRounds",
    "distill": "groundup.alignment.distill.on_policy:DistillRounds",
}


def kind(method: str) -> str:
    """What a method learns from: "rounds" of tries, "pairs", or a "constitution"."""
    return "pairs" if method in FROM_PAIRS else "rounds" if method in TRIERS else method
