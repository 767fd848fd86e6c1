"""Less freedom on purpose, so that a model learns the rule and not the noise.

penalties     large weights cost something: ridge (L2, weight decay) and lasso (L1)
dropout       inputs that go missing at random: no weight may rely on another
augmentation  examples that are changed in ways that do not matter
"""
