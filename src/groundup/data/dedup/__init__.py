"""The same text only once.

exact   documents and paragraphs that are the same but for white space
"""
