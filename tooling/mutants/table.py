"""All mutants."""

from typing import Final

from tooling.mutants.claims import CLAIMS
from tooling.mutants.money import MONEY
from tooling.mutants.songs import SONGS
from tooling.mutants.triggers import TRIGGERS
from tooling.mutants.turns import TURNS

MUTANTS: Final = (*CLAIMS, *MONEY, *SONGS, *TRIGGERS, *TURNS)
