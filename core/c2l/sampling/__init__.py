"""How pictures are asked for, chosen among candidates, and polished."""
