"""Readers of network files, foreign and own, and the writer of the project's own."""
