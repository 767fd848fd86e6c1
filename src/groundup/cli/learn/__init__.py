"""`groundup learn`: write a function of the library yourself, see at once what is wrong with it, then run it in the real thing.

exercises   list, start, check, hint, show, watch
lessons     lesson, book
page        the page in the terminal; status
teaching    for teachers: release, grade, pack
challenges  challenge: shapes, instability, memory
way         path (milestones, placement, self-tests, journal), find, export
"""

from groundup.cli.learn.challenges import challenge
from groundup.cli.learn.exercises import check, hint, list_exercises, show_solution, start, watch
from groundup.cli.learn.lessons import export_book, lesson
from groundup.cli.learn.page import page, status
from groundup.cli.learn.teaching import grade, pack, release
from groundup.cli.learn.way import export, find, path

ACTIONS = {"start": start, "check": check, "hint": hint, "show": show_solution, "list": list_exercises, "watch": watch}
ACTIONS[""] = page
ACTIONS["status"] = status
ACTIONS |= {"release": release, "grade": grade, "pack": pack}
ACTIONS |= {"path": path, "find": find, "export": export}
ACTIONS |= {"lesson": lesson, "book": export_book}
ACTIONS["challenge"] = challenge
