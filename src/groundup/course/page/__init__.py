"""The learner's page in the terminal: `groundup learn`.

words   what the page says, as text: the list, a task, a verdict rung by rung
app     the page itself: the watched file, the keys, and what may go wrong around them
"""
