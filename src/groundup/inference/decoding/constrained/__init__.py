"""Constrained output: at each step only the tokens that can still become what was asked for.

`expression` reads a regular expression, `automaton` makes a table of states of it, `masks` says which tokens a state allows,
`guided` is the same by the llguidance package, which also knows JSON schemas and grammars.
"""
