"""Pictures drawn live: the newest values, and a way without jumps to what they ask for."""
