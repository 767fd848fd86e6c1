"""Where documents come from: the two embedded worlds (python, tinyworld) and the users own files."""
