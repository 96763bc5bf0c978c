"""``c2l live``: a picture that is played by OSC and watched as it moves. Needs ``c2l[live]``."""
