"""A scaling sweep: models of several sizes, each trained with several budgets of operations from several seeds, and the law they follow.

grid    the recipe's [sweep] and [sizes], checked; every size with every budget and seed run in one run folder
law     sweep.json: a row a run, the law by three approaches with intervals; text and picture
budget  the best run for a time or a number of operations, as a recipe
"""
