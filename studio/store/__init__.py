"""The project folder: database, journal, readers, writers, lock. Effects on disk happen here only."""
