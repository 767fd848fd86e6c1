"""CUDA's way to compute: one writes what a single thread does, and starts a grid of blocks of them.

grid       blocks of threads, and which numbers a thread owns
launch     a grid is started, on a GPU or in Numba's simulator
threads    one thread, one number: a vector sum, a matrix by rows and columns
memory     what a warp's 32 addresses cost: segments of memory, banks of the shared memory
blocks     what threads of a block do together, in NumPy: a sum as a tree, a product by tiles
shared     the same as kernels, with a softmax: shared memory and barriers
atomics    many threads, one number: a race, and the histogram that has none
occupancy  how many threads a multiprocessor can hold, by registers, shared memory and blocks

`grid`, `memory`, `blocks` and `occupancy` count and define: they need no extra, and start no kernel.
"""
