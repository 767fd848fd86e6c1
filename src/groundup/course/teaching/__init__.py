"""The teacher's kit: exercises handed out as a set, a whole class graded at once, and packs of one's own.

points       a verdict as points: all of them for a pass, up to half for the rungs that were climbed
tables       the teacher's TOML files, read completely or refused by key
sets         exercises chosen by name or module; the manifest that holds their weights and the stubs' checksums
release      a set as a folder for students: stubs, tasks, manifest
pack         a teacher's own exercises, in a folder with a manifest
proof        whether a pack's exercises are proved: solutions pass, stubs and mutants do not
submissions  what students handed in, as folders or zip archives, taken in without trusting any of it
grading      every attempt judged, in parallel, each only once for the same files
alike        submissions that are the same but for names, comments and spaces
marks        the results as tables and JSON
feedback     the results as one page a student

From the command line: `groundup learn release`, `groundup learn grade`, `groundup learn pack`. For authors: `GUIDE.md`.

What counts for a mark should be read: the judge holds accidents and plain cheating, and a file that was written to find the
judge's variables in memory can still praise itself. Files of a student can read what the teacher's account can read, so
a class that one does not trust is graded under an account that holds nothing else.
"""
