"""The description of a restored table, in memory."""

from fermata.domain.operator.restored_table import ACTIVE, INDEXES, KEYS, Preparation, TableFacts
from fermata.errors import FermataError


class InMemoryRestoredTable:
    """Describes a sound table until a test sets another. `fail_next_note` is raised once, before the note is kept."""

    def __init__(self) -> None:
        self.described: TableFacts | None = TableFacts("restored 1", ACTIVE, KEYS, INDEXES)
        self.noted: Preparation | None = None
        self.fail_next_note: FermataError | None = None

    def facts(self) -> TableFacts | None:
        return self.described

    def preparation(self) -> Preparation | None:
        return self.noted

    def note(self, preparation: Preparation) -> None:
        failure, self.fail_next_note = self.fail_next_note, None
        if failure is not None:
            raise failure
        self.noted = preparation
