"""All pairs of rows that are alike, without comparing every pair: the joins and the bounds they prune by."""
