"""Alignment: a tuned model is improved by what is preferred or can be checked.

config          what a run is told
answers         several answers to one prompt, read side by side in one row: their log-probabilities
environments/   rollouts: the model tries, a reward judges, every try is kept
grpo            each answer against the others of its group
"""
