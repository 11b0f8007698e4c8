"""All mutants."""

from typing import Final

from tooling.mutants.claims import CLAIMS
from tooling.mutants.money import MONEY
from tooling.mutants.queue import QUEUE
from tooling.mutants.songs import SONGS
from tooling.mutants.streams import STREAMS
from tooling.mutants.triggers import TRIGGERS

MUTANTS: Final = (*CLAIMS, *STREAMS, *MONEY, *SONGS, *TRIGGERS, *QUEUE)
