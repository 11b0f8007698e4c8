"""Operations: a method that is written once, as a flow, and called with or without `await`."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from fermata_client.core.flow import Flow

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


class Performs(Protocol):
    """A driver that performs flows and returns what they return."""

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow; raises what it raises."""
        ...

    def items(self, flow: Flow[Any]) -> Iterator[Any]:
        """Perform a flow as far as its items are asked for."""
        ...


class PerformsAsync(Protocol):
    """A driver that performs flows with `await`."""

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow; raises what it raises."""
        ...

    def items(self, flow: Flow[Any]) -> AsyncIterator[Any]:
        """Perform a flow as far as its items are asked for."""
        ...


class Blocking(Generic[S]):
    """What has operations that block; their flows are about the `subject`."""

    def __init__(self, subject: S, driver: Performs) -> None:
        self.subject = subject
        self.driver = driver


class Awaiting(Generic[S]):
    """What has operations to await; their flows are about the `subject`."""

    def __init__(self, subject: S, driver: PerformsAsync) -> None:
        self.subject = subject
        self.driver = driver


class Operation(Generic[S, P, T]):
    """A method that returns what its flow returns."""

    def __init__(self, flow: Callable[Concatenate[S, P], Flow[T]]) -> None:
        self._flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Blocking[S], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Awaiting[S], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: Blocking[S] | Awaiting[S] | None, owner: type) -> object:
        """The method of an object, which blocks or is awaited as the object does."""
        if instance is None:
            return self

        @wraps(self._flow)
        def perform(*args: P.args, **kwargs: P.kwargs) -> object:
            return instance.driver.run(self._flow(instance.subject, *args, **kwargs))

        return perform


class Listing(Generic[S, P, T]):
    """A method that returns an iterator over what its flow emits, each an `item`."""

    def __init__(self, flow: Callable[Concatenate[S, P], Flow[Any]], item: type[T]) -> None:
        self._flow = flow
        self.item = item
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Blocking[S], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: Awaiting[S], owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, instance: Blocking[S] | Awaiting[S] | None, owner: type) -> object:
        """The method of an object, for `for` or for `async for`."""
        if instance is None:
            return self

        @wraps(self._flow)
        def iterate(*args: P.args, **kwargs: P.kwargs) -> object:
            return instance.driver.items(self._flow(instance.subject, *args, **kwargs))

        return iterate


class Reading(Generic[S, T]):
    """A property that is read anew each time; for objects that are awaited it has to be awaited, too."""

    def __init__(self, flow: Callable[[S], Flow[T]]) -> None:
        self._flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Blocking[S], owner: type) -> T: ...
    @overload
    def __get__(self, instance: Awaiting[S], owner: type) -> Coroutine[Any, Any, T]: ...
    def __get__(self, instance: Blocking[S] | Awaiting[S] | None, owner: type) -> object:
        """The value, or what to await for it."""
        return self if instance is None else instance.driver.run(self._flow(instance.subject))
