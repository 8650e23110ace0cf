"""Near-duplicates: finding them, grouping them, choosing which row of a group stays."""
