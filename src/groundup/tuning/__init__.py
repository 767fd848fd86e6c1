"""Tuning: a pretrained model learns a task from examples.

config          what a tuning run is told
supervised/     conversations in the shapes that data sets have, and the loss on the answers alone
"""
