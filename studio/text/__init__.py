"""Tokens, likeness and safe display of text, alike for Chinese and English."""
