"""What a model can do, each number with its interval and beside what a simpler method reaches.

Reading order
    metrics/calibration     intervals for every score, paired tests for every difference
    metrics/intrinsic       bits per byte of held-out text, for a model and for an n-gram model on the same tokens
    metrics/compressors     the same for xz and zstd
    tasks/samples           ask, judge, and keep every answer; go on where a run was cut off
    tasks/instructions      a chat model answers instructions; accuracy by family, seen and unseen compositions apart
    baselines               nearest neighbour and n-gram answers: what looking up and counting reach
    chain                   all of it for every model of a run
    config                  how much of it

Importing this package loads no torch; the parts do.
"""
