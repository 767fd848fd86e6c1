"""Groups in data that nobody labelled.

k_means    every point belongs to the nearest of k centres
mixture    every point belongs to each of k bells a little: the same with probabilities
hierarchy  the two nearest groups become one, until one is left
"""
