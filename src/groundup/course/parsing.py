"""Python text to a tree, one text at a time.

Where two threads parse at once, Python 3.11 can lose count of a tree's depth ("AST constructor recursion depth mismatch", a SystemError), and teachers'
marking judges files in threads.
"""

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(text: str, name: str = "<text>") -> ast.Module:
    """The tree of a source text; errors as those of `ast.parse`. name: what messages call it."""
    with _ONE_AT_A_TIME:
        return ast.parse(text, name)
