"""This machine: what it has, what it multiplies and moves in a second; and others', by what their makers state.

device         where to compute, with how many threads
roofline       two figures in two seconds, kept: `probe`; and what follows from them for any work
timing         several ways to do the same, timed in turns
products       the peak of a number format, over sizes and kernels
bandwidth      reading, writing, copying, the triad
caches         latency and size of each level, by a chase through memory
limits         all of it with repeats, for `groundup bench machine` and `groundup bench roofline`
accelerators   GPUs, TPUs, NPUs and inference chips as data with sources; which bound work meets on each
collectives    what it costs that several exchange data
"""
