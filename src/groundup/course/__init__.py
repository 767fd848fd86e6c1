"""The learner's way through: what there is to learn, and the paths that lead through it.

topics     every topic of `syllabus.toml`, found by its id or by a word; `paths.toml` as it is written
exercise   what an exercise is: a function to write, checks that judge it, mutants that prove them
excerpt    stub and solution, cut out of the library's own text
expect     what a check says in one line, and how a case is shown
shelf      every exercise, found by its id or name
attempt    the learner's file, and what can be said of it before it runs
judge      the learner's function, watched while it is asked the checks
checker    a warm process that judges one file after another, whatever they do
verdict    what became of an attempt, in words
record     what a learner has done, as a text file
desk       a learner's exercise on the table: begin, judge, note, hint, reset, next
page       the same as a terminal page
paths      the ways through it: steps, milestones on the learner's own work, placement and self-tests, journal
book       the lessons: found, linted, run, exported
teaching   a class: sets handed out and marked, packs of a teacher's own exercises
challenges three studies of one's own model or run: shapes, instability, memory
"""
