"""How good a classifier is, by its decisions, by its order, and by its probabilities.

classification  decisions: confusion matrix, accuracy, precision, recall, F1
ranking         order: the ROC curve and the area under it, average precision
calibration     probabilities: does "90% sure" mean right nine times in ten
"""
