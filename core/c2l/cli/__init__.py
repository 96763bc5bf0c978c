"""The command line: one file for each command group, and no logic of its own."""
