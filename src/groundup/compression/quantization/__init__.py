"""Quantization: fewer bits a weight.

grid           the numbers that a row may take: a scale for each group of neighbours
ptq            a finished model rounded, matrix by matrix; which matrices mind most
gptq           rounding that passes each weight's error on
folding        scales moved between a matrix and what stands before it
awq            weights that loud inputs meet made larger before they are rounded
smoothquant    8 bits for weights and for what they read
nf4            sixteen levels where weights lie, their blocks' sizes in 8 bits
qat            training with the weights that the model will have
"""
