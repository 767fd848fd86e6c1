"""Quantization: fewer bits a weight.

grid    the numbers that a row may take: a scale for each group of neighbours
ptq     a finished model rounded, matrix by matrix; which matrices mind most
gptq    rounding that passes each weight's error on
"""
