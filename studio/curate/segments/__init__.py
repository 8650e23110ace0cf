"""Segments of a row: which there are, which is gold, what refers to them, whether they may move."""
