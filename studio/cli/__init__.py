"""The headless twin: every stage as a subcommand. Data on stdout, talk and progress on stderr."""
