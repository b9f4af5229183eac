"""Convolution of images: what it is (``geometry``), dense kernels by several algorithms, others."""
