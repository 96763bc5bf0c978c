"""Operations on latents: what a record's ``latents`` say, carried out."""

from c2l.editing.apply import draw_operation, latents_of

__all__ = ["draw_operation", "latents_of"]
