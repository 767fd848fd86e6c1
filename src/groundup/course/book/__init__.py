"""The book: every lesson, found, judged, run, and exported as pages that need no network.

cells     a lesson's text as cells: what each takes, makes and shows
shelf     the lessons there are, found by topic, path, folder, function or a name that is nearly so
lint      what is wrong with a lesson, from its text alone
run       a lesson in this process: outputs, definitions, seconds; its controls moved; its cells again in another order
render    what a cell shows as HTML: prose, formulas, figures, controls
pages     the whole book as a folder of static pages
"""

from groundup.course.book.lint import lint
from groundup.course.book.pages import export
from groundup.course.book.run import Ran, moved, run, unsteady
from groundup.course.book.shelf import Lesson, find, lessons, named

__all__ = ["Lesson", "Ran", "export", "find", "lessons", "lint", "moved", "named", "run", "unsteady"]
