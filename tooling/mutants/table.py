"""All mutants."""

from typing import Final

from tooling.mutants.promises.agents import AGENTS
from tooling.mutants.promises.answers import ANSWERS
from tooling.mutants.promises.choice import CHOICE, SHARDS
from tooling.mutants.promises.claims import CLAIMS, STOPS
from tooling.mutants.promises.client import CLIENT
from tooling.mutants.promises.money import MONEY
from tooling.mutants.promises.queue import QUEUE
from tooling.mutants.promises.songs import SONGS
from tooling.mutants.promises.speech import SPEECH
from tooling.mutants.promises.streams import STREAMS
from tooling.mutants.promises.triggers import TRIGGERS
from tooling.mutants.promises.wallets import WALLETS

_BOUGHT: Final = (*CLAIMS, *STOPS, *ANSWERS, *STREAMS, *SPEECH, *SONGS, *TRIGGERS, *QUEUE)
MUTANTS: Final = (*_BOUGHT, *MONEY, *CHOICE, *SHARDS, *WALLETS, *CLIENT, *AGENTS)
