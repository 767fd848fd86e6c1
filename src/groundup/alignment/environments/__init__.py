"""Environments: who asks, what the model may do before it answers, who judges; every try is kept.

rollouts     one question, one answer
multi_turn   tools may be called first, turn by turn
reasoning    thoughts first, then an answer that is checked; how much thinking is worth

KINDS        `align.environment` of a recipe
"""

KINDS = {  # a name, and the module that has `environment(config)` and `demonstrations(seed, count)`
    "tools": "groundup.alignment.environments.multi_turn",
    "reasoning": "groundup.alignment.environments.reasoning",
}
