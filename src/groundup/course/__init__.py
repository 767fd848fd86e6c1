"""The learner's way through: what there is to learn, and the paths that lead through it.

topics   every topic of `syllabus.toml`, found by its id or by a word; the paths of `paths.toml`
"""

from groundup.course.topics import Topic, find, paths, resolve, syllabus

__all__ = ["Topic", "find", "paths", "resolve", "syllabus"]
