"""Placing gold segments: where each goes, the row in its new order, and the plan that undoes it."""
