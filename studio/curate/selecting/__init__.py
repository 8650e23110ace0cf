"""Choosing rows: redundancy, diversity, novelty, contamination, the balance of a pool, splits."""
