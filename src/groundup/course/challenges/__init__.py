"""Three studies that a learner runs on a model or run of their own.

watching      a function of the model watched while the model runs
shapes        the shape of every tensor along a forward pass, as a table, a picture and a quiz
evidence      what can be measured of a run that does not learn: statistics by layer, a learning-rate range test
instability   from such measurements to the likely cause and the way out
broken        tiny runs, each broken in one known way, and a healthy one
memory        why a run does not fit, part by part, and what to change

Importing this package loads no torch; the studies do.
"""
