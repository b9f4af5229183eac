"""Derivatives on one screen each: the engine in small, one idea a file."""
