"""The generators, a class for each kind."""
