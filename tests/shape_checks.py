"""The shape checks of the suite, sooner: the same checks by beartype without jaxtyping's part where no shape is named.

jaxtyping wraps every function of the package twice, binds each call's arguments and remembers its axes, also where nothing
has axes. That took half the time of many tests. Here only functions that name a shape go its way. And a function's check is
made when it is first called: most are not, in one process, and to make all of them takes seconds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType
from typing import Any, get_args, get_type_hints
from unittest.mock import patch

from jaxtyping import AbstractArray, _decorator, _import_hook

_with_shapes = _decorator.jaxtyped
CHECKS: list[Callable[[], Callable]] = []
"""Each makes the check of one function, if nobody has called that yet."""


def install() -> None:
    """Has jaxtyping's import hook check this way."""
    _decorator.jaxtyped = _import_hook.sys.modules["jaxtyping"].jaxtyped = checked
    _import_hook._JaxtypingLoader.get_code = _bytecode
    _import_hook._JaxtypingLoader.exec_module = SourceFileLoader.exec_module


def checked(fn: Any = _decorator._sentinel, *, typechecker: Any = _decorator._sentinel) -> Any:
    """``jaxtyping.jaxtyped``, which leaves functions without shapes to the type checker alone."""
    if isinstance(fn, FunctionType) and callable(typechecker) and not _yields(fn):
        return _when_called(fn, typechecker)
    return _with_shapes(fn, typechecker=typechecker)


def _when_called(fn: FunctionType, typechecker: Callable) -> Callable:
    """The function, whose check is made by the first call."""
    made: list[Callable] = []

    def make() -> Callable:
        if not made:
            made.append(
                fn
            )  # it may be called while its check is made: a finder of modules is, by the first import in there
            made[0] = _made(fn, typechecker)
        return made[0]

    @wraps(fn)
    def check(*args: Any, **kwargs: Any) -> Any:
        return (made[0] if made else make())(*args, **kwargs)

    CHECKS.append(make)
    return check


def _made(fn: FunctionType, typechecker: Callable) -> Callable:
    hints = _hints(fn)
    if any(map(_has_shape, hints.values())):
        return _with_shapes(fn, typechecker=typechecker)
    return _plain(fn, hints, typechecker)


def _yields(fn: FunctionType) -> bool:
    """Whether the checker would look into what it yields; jaxtyping has it look at the generator only."""
    return inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn) or inspect.iscoroutinefunction(fn)


def _hints(fn: FunctionType) -> dict[str, Any]:
    """Its annotations as types: ``Any`` for a name that only exists for type checkers, as jaxtyping has it."""
    try:
        return get_type_hints(fn, include_extras=True)
    except Exception:
        return {
            name: _decorator._destring_annotation(hint, fn.__globals__) for name, hint in fn.__annotations__.items()
        }


def _has_shape(hint: Any) -> bool:
    if isinstance(hint, list | tuple):
        return any(map(_has_shape, hint))
    return inspect.isclass(hint) and issubclass(hint, AbstractArray) or any(map(_has_shape, get_args(hint)))


def _plain(fn: FunctionType, hints: dict[str, Any], typechecker: Callable) -> Callable:
    written, fn.__annotations__ = fn.__annotations__, hints
    wrapped = typechecker(fn)
    fn.__annotations__ = written
    wrapped.__annotations__ = written
    return wrapped


def _bytecode(self: _import_hook._JaxtypingLoader, fullname: str) -> CodeType | None:
    """A checked module's bytecode, under the hook's own name for it.

    The hook has that name stand for all that the module imports, too: torch, gradio and the rest would be compiled anew.
    """
    name = partial(_import_hook._optimized_cache_from_source, self._typechecker.get_hash())
    with patch("importlib._bootstrap_external.cache_from_source", name):
        return SourceFileLoader.get_code(self, fullname)
