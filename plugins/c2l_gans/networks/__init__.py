"""The networks, without anything about files."""
