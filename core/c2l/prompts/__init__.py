"""Prompts: texts and blends, files, negation, domains, and prompts far from a domain."""
