"""One future for many."""

from collections.abc import Sequence
from concurrent.futures import Future
from threading import RLock


def when_all(started: Sequence[Future[None]]) -> Future[None]:
    """Return a future that ends with the last of `started`, or with the first failure."""
    done: Future[None] = Future()
    left = list(started)
    lock = RLock()

    def one_is_done(one: Future[None]) -> None:
        with lock:
            left.remove(one)
            if done.done():
                return
            if error := one.exception():
                done.set_exception(error)
            elif not left:
                done.set_result(None)

    for one in started:
        one.add_done_callback(one_is_done)
    if not started:
        done.set_result(None)
    return done
