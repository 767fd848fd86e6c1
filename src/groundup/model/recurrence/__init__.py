"""Recurrence: layers that keep a state of fixed size instead of all earlier keys, so that a token costs the same at any length.

state_space    a state that fades and is added to (Mamba-2): step, recurrence, chunks, matrix; the layer
delta_rule     a state that is corrected where it is wrong (gated DeltaNet): step, recurrence, chunks; the layer
hybrid         blocks of both kinds and of attention in one list, and the cache that holds all their states
convolution    the few tokens before, mixed in ahead of both
segments       what a mask says to a recurrence: padding, and where a new document begins

    attention        keeps every key        a step costs the length so far      looks up anything, exactly
    state space      key_dim x value_dim    a step costs the state              fades; what is written stays in the way
    delta rule       key_dim x value_dim    a step costs the state              overwrites what has the same key
"""
