"""Judging answers in a process of their own: values over two pipes, tests on this side only."""
