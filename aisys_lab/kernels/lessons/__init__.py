"""Kernels in small, an idea a file, in NumPy or in plain loops: written to be read, not to be fast.

``lab.kernels.im2col`` and its like come from here; each is the row that an exercise replaces.
"""
