"""Learning paths: what to do next, what was reached, and what to show for it. In reading order:

steps        the paths of `paths.toml` as steps of one form, with the projects beside them
standing     one step and one learner: what is built, what is passed
milestones   whether a milestone is reached, on the learner's own work (`milestones.toml`: which functions, which run)
together     the learner's functions at work together: gradients, logits, a conversation, a lesson
questions    a placement test and three questions a module (`placement.toml`, `selftests.toml`)
journal      dated entries beside the code
export       one folder that others can run, with a page of what was passed
whereabouts  source, test, lesson, exercises and benchmark of a topic
walk         a learner who passes: the eight chapters or the projects with the library's solutions, every milestone checked
"""
