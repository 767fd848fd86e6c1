"""Constrained output: at each step only the tokens that can still become what was asked for.

`expression` reads a regular expression, `automaton` makes a table of states of it, `masks` says which tokens a state allows.
`trie` holds the vocabulary and walks it. `json_schema` makes rules of a JSON schema (`json_merging` its conditions as one, `json_values` and
`json_texts` single values, strings and numbers); `grammar` holds rules that call one another, `pushdown` follows them.
`guided` is the same by the llguidance package, which is faster and also knows grammars.
"""
