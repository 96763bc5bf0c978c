"""Readers of weight files; nothing in a file is ever executed."""
