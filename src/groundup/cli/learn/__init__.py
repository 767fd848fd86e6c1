"""`groundup learn`: write a function of the library yourself, see at once what is wrong with it, then run it in the real thing.

exercises   list, start, check, hint, show, watch
"""

from groundup.cli.learn.exercises import check, hint, list_exercises, show_solution, start, watch

ACTIONS = {"start": start, "check": check, "hint": hint, "show": show_solution, "list": list_exercises, "watch": watch}
