"""Looking at a corpus before it is trained on.

paging    kept and dropped documents a page at a time, each with its step and reason
profile   a corpus in figures and pictures, by source
"""
