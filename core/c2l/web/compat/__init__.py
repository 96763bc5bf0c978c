"""What both foreign families of routes have in common: their clients know nothing of c2l."""
