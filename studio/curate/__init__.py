"""Choosing and ordering rows: near-duplicates and the place of gold segments."""
