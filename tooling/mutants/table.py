"""All mutants."""

from typing import Final

from tooling.mutants.agents import AGENTS
from tooling.mutants.answers import ANSWERS
from tooling.mutants.choice import CHOICE, SHARDS
from tooling.mutants.claims import CLAIMS, STOPS
from tooling.mutants.client import CLIENT
from tooling.mutants.money import MONEY
from tooling.mutants.queue import QUEUE
from tooling.mutants.songs import SONGS
from tooling.mutants.speech import SPEECH
from tooling.mutants.streams import STREAMS
from tooling.mutants.triggers import TRIGGERS
from tooling.mutants.wallets import WALLETS

_BOUGHT: Final = (*CLAIMS, *STOPS, *ANSWERS, *STREAMS, *SPEECH, *SONGS, *TRIGGERS, *QUEUE)
MUTANTS: Final = (*_BOUGHT, *MONEY, *CHOICE, *SHARDS, *WALLETS, *CLIENT, *AGENTS)
