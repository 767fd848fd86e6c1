"""Triton's way to compute: one writes what a program does with a whole tile, and starts a grid of programs.

launch         Triton where it is; who can run a kernel: a GPU, or its interpreter
tiles          which tile a program owns, how large it should be: counted, without Triton
vector_add     a tile of numbers, and the mask at the end
softmax        a row a program, forward and backward
rms_norm       a row a program; the gain's gradient from many rows
cross_entropy  a row too long for a tile: the running log-sum-exp of the vocabulary
matmul         a tile a program, in an order that finds its inputs in the cache; backward: the same with swapped strides
scaled_cast    a matrix in float8, as it lies and turned: the reason for a kernel is the one pass
dispatch       these kernels where the tensors lie on a GPU, torch elsewhere

Threads, warps, shared memory and barriers are the compiler's. Without a GPU set TRITON_INTERPRET=1 before Python starts: every
program then runs on NumPy. The kernels of attention are `groundup.model.attention.flash_triton`.
"""
