"""Files that are either whole or not there. The registry writes such files too, and owns these."""

from c2l_registry.files import draft_of, remove_partials, write_atomically

__all__ = ["draft_of", "remove_partials", "write_atomically"]
