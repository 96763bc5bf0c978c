"""Several processes that compute one thing: who they are, how they agree, and who restarts them."""

from __future__ import annotations

from c2l.ranks.group import Ranks as Ranks
from c2l.ranks.joining import join as join
from c2l.ranks.launching import Launch as Launch
from c2l.ranks.member import Member as Member
from c2l.ranks.member import find_member as find_member
