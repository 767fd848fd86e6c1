"""The learner's way through: what there is to learn, and the paths that lead through it.

topics     every topic of `syllabus.toml`, found by its id or by a word; the paths of `paths.toml`
exercise   what an exercise is: a function to write, checks that judge it, mutants that prove them
excerpt    stub and solution, cut out of the library's own text
expect     what a check says in one line, and how a case is shown
shelf      every exercise, found by its id or name
attempt    the learner's file, and what can be said of it before it runs
judge      the learner's function, watched while it is asked the checks
checker    a warm process that judges one file after another, whatever they do
verdict    what became of an attempt, in words
"""

from groundup.course.topics import Topic, find, paths, resolve, syllabus

__all__ = ["Topic", "find", "paths", "resolve", "syllabus"]
