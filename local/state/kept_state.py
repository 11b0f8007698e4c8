"""A cloud's kept state: opened before the cloud starts, put beneath the emulator, closed before the cloud stops."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Response

from local.emulator.moto_seams import check_seams
from local.state.emulated import seams
from local.state.emulated.buckets import Buckets
from local.state.emulated.deliveries import Deliveries
from local.state.emulated.executions import Executions
from local.state.emulated.services import Services
from local.state.emulated.tables import Tables
from local.state.errors import StateRefusedError, StateWriteError
from local.state.files import Files
from local.state.identity import Identity, read_identity, write_identity
from local.state.journal import Journal
from local.state.store import Moment, Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STORE: Final = "state.db"
OBJECTS: Final = "objects"


class KeptState:
    """What survives a cloud; `before` is the identity of the cloud that was here, None for a new state."""

    def __init__(self, folder: Path, *, fresh: bool = False, reach: Callable[[Moment], None] = lambda _: None) -> None:
        """Open the state in a folder, or begin one. Raises `StateRefusedError` and then changes nothing."""
        try:
            if fresh:
                delete_state(folder)
            self.store: Final = Store(folder / STORE, reach)
            self.before: Final = read_identity(self.store)
            if self.before is None:
                # The first start did not complete, so nobody was ever answered.
                self.store.forget_all()
            self._files = Files(folder / OBJECTS)
        except OSError as error:
            raise StateRefusedError(
                f"--state-dir {folder}: cannot keep a state there: {error.strerror}; pass a directory that you may "
                "write to, or --in-memory"
            ) from error
        self.journal: Final = Journal(self.store)
        self.executions: Final = Executions(self.journal)
        self.deliveries: Final = Deliveries(self.journal)
        self._services = Services(self.journal)
        self._buckets = Buckets(self.journal, self._files)
        self._buckets.check_files()

    def install(self) -> None:
        """Keep what the emulator holds from now on. Everything kept comes back as its resource is created."""
        check_seams(seams.SEAMS)
        Tables(self.journal).install()
        self._buckets.install()
        self._services.install()
        self.executions.install()

    def endpoint(self, moto: "WSGIApplication") -> "WSGIApplication":
        """Return moto's application with each answer after what it says is kept."""

        def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            begun: list[Any] = []
            try:
                with self.journal.call():
                    answer = moto(environ, lambda *said: begun.append(said))  # type: ignore[arg-type]
                    self._services.note(environ.get("HTTP_X_AMZ_TARGET", ""))
            except StateWriteError:
                return Response("The state cannot be kept.", 503)(environ, start_response)
            start_response(*begun[-1])
            return answer

        return application

    def restore_others(self) -> None:
        """Bring back what the template does not create, once it is deployed."""
        self._services.restore_others()

    def become(self, identity: Identity) -> None:
        """Keep the identity of the cloud that is ready now."""
        write_identity(self.store, identity)

    def check(self) -> None:
        """Raise `StateWriteError` where nothing more can be kept."""
        if self.store.failure is not None:
            raise self.store.failure

    def close(self) -> None:
        """Keep nothing more, also of what still runs: it ends as if the process was killed."""
        self.store.close()


def delete_state(folder: Path) -> None:
    """Delete a state; raises OSError."""
    for name in (STORE, f"{STORE}-wal", f"{STORE}-shm"):
        (folder / name).unlink(missing_ok=True)
    if (folder / OBJECTS).exists():
        shutil.rmtree(folder / OBJECTS)
