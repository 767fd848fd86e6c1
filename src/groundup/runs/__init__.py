"""Whole runs: a recipe's stages, their keys, the run folder, the report. In reading order:

recipe    a TOML file is a whole run: parents, overrides, checks            fields, toml: its tables, typed and written
stages    what each stage reads, makes and does (one file a stage)          settings: device, dtype, threads
keys      the fingerprint under which a stage's result is kept
runner    run what is new, reuse what is not, go on where it was killed     resources: seconds, memory, drift of a stage
estimate  what a run will cost, measured before it starts                   child: a part of a run in a process of its own
roofline  each part of a model timed beside what this machine can do at best
results   the numbers of a run in one file                                  card, report: the same for people
"""
