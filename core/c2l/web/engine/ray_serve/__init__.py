"""The engine of several machines or GPUs: replicas under Ray Serve. Needs ``c2l[ray]``."""
