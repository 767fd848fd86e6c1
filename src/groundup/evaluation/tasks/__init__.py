"""Tasks with a right answer.

`samples`        ask, judge, keep and resume
`instructions`   chat models asked, accuracy by family, comparison
"""
