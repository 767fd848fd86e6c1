"""The training engine: one loop for every model and objective.

config       what a run of the loop is told                objectives/  what the model is asked to predict
schedules    the learning rate as a function of the step   step         one step: accumulate, clip, number format
optimizers   how a gradient becomes a change of weights    loop         the sentence that all of these make
checkpoint   the state on disk, so that a killed run goes on bit for bit
"""
