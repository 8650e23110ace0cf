"""A dataset studio for the terminal: from seed tasks to a dataset that trains."""

__version__ = "0.1.0"
