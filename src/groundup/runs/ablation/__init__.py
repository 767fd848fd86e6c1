"""What a change of a recipe is worth: one base, variants that each change a few keys, the same seeds for all.

study   the recipe's [ablation] and [variants], checked; every variant with every seed run in one run folder
table   means, paired differences with their intervals, as JSON, Markdown and a page with a picture
"""
