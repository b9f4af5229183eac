"""Kernels counted: their own text, run as Python that writes down what it does.

A load is a number that is read from an array or through a pointer, a store one that is written;
a register of eight numbers counts as eight. What a name of the text holds is in a register and
costs nothing, however often it is used. Additions include subtractions; a product that goes into a
sum within one expression is one multiply-add (``fma``), counted among both. Arithmetic of Python's
own whole numbers is that of indices, and free.
"""
