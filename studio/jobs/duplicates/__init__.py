"""Jobs that compare rows: duplicates, neighbours, redundancy, contamination."""
