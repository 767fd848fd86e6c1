"""Supervised tuning: the loop of pretraining on other data. config: its numbers; instruction: loss on answers only."""
