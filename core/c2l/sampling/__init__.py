"""Requests and their records, ranking of candidates, and latent optimisation."""
