"""The engine of several machines, or of several GPUs: replicas under Ray Serve. Needs ``c2l[ray]``."""
