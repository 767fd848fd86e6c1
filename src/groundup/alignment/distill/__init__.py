"""On-policy distillation: a teacher says of every token of the student's own answers what it would have said.

on_policy  the divergence, and rounds in which it is the lesson
config     what such a run is told
"""
