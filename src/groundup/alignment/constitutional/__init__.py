"""Constitutional AI: a written constitution in place of people's labels; the model criticises, revises and judges itself.

constitutional  principles, critique and revision, the judge, and the two phases
config          what such a run is told
"""
