"""Where documents come from.

python      the documentation and source of the Python that runs this: on every machine
tinyworld   a generated world whose exact entropy is known
files       the user's own text
"""
