"""What goes wrong when a model is improved, each shown where the truth is known.

reward_hacking  a learned reward is optimised until the true one falls (Gao's curve), every number exact
"""
