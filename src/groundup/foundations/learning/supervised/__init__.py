"""From examples with answers to answers for new examples.

linear       a weighted sum, fitted exactly and by gradient
logistic     the same sum as a probability
neighbours   no model at all: ask the most similar examples
naive_bayes  count what each class looks like, and turn it round with Bayes' theorem
tree         one question after another, each the one that sorts best
"""
