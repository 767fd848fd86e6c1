"""Rewards: what an answer is worth, learned from preferences or checked by a program.

reward_model   one number for an answer, learned from pairs (Bradley-Terry)
likelihood     the same without a head: what the model finds likely
informed       a head that is told how surprising the answer was
measure        accuracy beside the best possible, calibration
ensemble       several reward models, and where they disagree
process        a score for each step of a solution
verifiable     a shelf of rewards that a program checks: answer, format, length, repetition
"""
