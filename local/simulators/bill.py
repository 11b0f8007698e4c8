"""The bill of a simulated provider."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from hashlib import sha256
from threading import Lock
from typing import Final

from local.simulators.memory import Memory, NoMemory

_KIND: Final = "bill"


@dataclass(frozen=True)
class BillItem:
    """One paid POST that reached the provider, refused ones included. `characters`: those of a charged speech."""

    number: int
    model: str | None
    prompt_sha256: str | None
    charged: bool
    fault: str | None
    characters: int


class Bill:
    """Counts paid POSTs and their cost; thread-safe."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory: Memory = memory or NoMemory()
        self._lock = Lock()
        kept = [dict(item) for item in self._memory.saved(_KIND).values()]
        self._usd = sum((Decimal(item.pop("usd")) for item in kept), Decimal(0))
        self._items = [BillItem(**item) for item in kept]

    def add(
        self,
        *,
        model: str | None,
        prompt: str | None,
        charged: bool,
        usd: Decimal,
        fault: str | None,
        characters: int = 0,
    ) -> None:
        """Record one paid POST; `usd` is its cost, and `characters` its count, if it was charged."""
        counted = characters if charged else 0
        with self._lock:
            item = BillItem(len(self._items) + 1, model, prompt_sha256(prompt), charged, fault, counted)
            cost = usd if charged else Decimal(0)
            self._memory.save(_KIND, f"{item.number:09}", {**asdict(item), "usd": str(cost)})
            self._items.append(item)
            self._usd += cost

    def as_json(self) -> dict[str, object]:
        """The bill so far, with amounts in US dollars."""
        with self._lock:
            items, usd = tuple(self._items), self._usd
        return {
            "posts": len(items),
            "charged": sum(item.charged for item in items),
            "usd": float(usd),
            "characters": sum(item.characters for item in items),
            "items": [asdict(item) for item in items],
        }

    def clear(self) -> None:
        """Start a new bill."""
        with self._lock:
            self._memory.drop(_KIND)
            self._items.clear()
            self._usd = Decimal(0)


def prompt_sha256(prompt: str | None) -> str | None:
    """The SHA-256 that identifies a prompt in bills and logs; None for an absent or empty prompt."""
    # A refused request can contain a lone surrogate, which has no UTF-8 form.
    return sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest() if prompt else None
