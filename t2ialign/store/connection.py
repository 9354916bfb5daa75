"""What the store asks of a DuckDB connection. A cursor is a connection of its own to the same database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

Params = Sequence[Any] | Mapping[str, Any]


@runtime_checkable
class Cursor(Protocol):
    """``duckdb.DuckDBPyConnection`` as far as it is used; every result is drained before the next call."""

    def execute(self, query: str, parameters: Params = ..., /) -> Any: ...

    def register(self, view_name: str, python_object: object, /) -> object: ...

    def unregister(self, view_name: str, /) -> object: ...

    def begin(self) -> object: ...

    def commit(self) -> object: ...

    def rollback(self) -> object: ...

    def cursor(self) -> Cursor: ...

    def close(self) -> None: ...
