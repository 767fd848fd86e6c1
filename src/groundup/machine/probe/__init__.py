"""This machine, measured: what it multiplies and moves in a second."""
