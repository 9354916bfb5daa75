"""Odd command lines: every command that the application itself lists, with words and files that people would not think of.

A command ends well, or with one sentence and code 2 (1 where `store check` found something wrong). Nothing is drawn, trained,
fetched or served: what would begin it says so instead. All folders and files lie below one temporary folder.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from t2ialign import cli
from t2ialign.types import InputError
from tests.dashboard import fakes
from tests.fuzzing_calls import NUMBERS, TEXT, Tally, quietly

WORK = (
    "t2ialign.use_cases.api.run_request",
    "t2ialign.use_cases.align.train.align",
    "t2ialign.use_cases.align.estimate.estimate",
    "t2ialign.use_cases.noise_search._ready",
    "t2ialign.use_cases.sweeps.run.run_sweep",
    "t2ialign.cli.sweep._estimate",
    "t2ialign.engines.spread.run_on",
    "t2ialign.use_cases.protocols.run.run_protocol",
    "t2ialign.use_cases.reports.world.measure",
    "t2ialign.use_cases.reports.optimum.frontier",
    "t2ialign.use_cases.audit.audit.run_audit",
    "t2ialign.use_cases.batches.score_pictures.score_folder",
    "t2ialign.use_cases.batches.distance.measure",
    "t2ialign.use_cases.studies.simulated_raters.simulate",
    "t2ialign.hub.space.write_space",
    "t2ialign.dashboard.serve",
    "t2ialign.dashboard.open_services",
)
"""What commands do once they have checked what they were asked for."""
BUSY = InputError("It would begin.")
FEW = {"metrics", "guidance", "api"}  # what prints the same whatever is asked
HOME = Path("a/b/c/d/e/home")  # deep: names that climb out stay below the temporary folder


@contextmanager
def idle_commands() -> Iterator[Path]:
    """Commands check everything that they are asked on a store of their own, and do none of it; yields the folder of files."""
    import tempfile

    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        home = Path(name) / HOME
        home.mkdir(parents=True)
        patch.chdir(_files(home.parent / "files"))
        patch.setattr("t2ialign.settings.CHECKPOINTS", fakes.write_registry(home.parent / "checkpoints"))
        patch.setattr("t2ialign.settings.HOME", home)
        patch.setattr("t2ialign.store.ingest_reference", lambda *_: None)
        patch.setattr("signal.signal", lambda *_: None)
        patch.setattr(cli, "app", typer.main.get_command(cli.app))  # built once, and not for every line
        for place in WORK:
            patch.setattr(place, _begins)
        yield home.parent / "files"


def _begins(*_: Any, **__: Any) -> NoReturn:
    raise BUSY


def _files(folder: Path) -> Path:
    """Files of several kinds, most of them not what is asked for."""
    folder.mkdir()
    for name, data in {
        "empty": b"",
        "words.txt": b"a red circle\na blue square\n",
        "odd.csv": b'left,right,outcome\na,b,left\nb,"\xff\n',
        "votes.csv": b"left,right,outcome\na,b,left\nb,a,tie\na,b,right\n",
        "answers.csv": b"unit,rater,answer\n1,a,x\n1,b,x\n2,a,y\n2,b,x\n",
        "design.toml": b'title = "\x1b[31mred"\n',
        "deep.json": b"[" * 5000,
        "data.parquet": b"PAR1\x00\x00PAR1",
        "study.zip": b"PK\x05\x06" + bytes(18),
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(40),
    }.items():
        (folder / name).write_bytes(data)
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    return folder


def commands() -> dict[str, typer.core.TyperCommand]:
    """Every command by its words, as the application lists them; one with commands below it too, where it does something."""
    found = cli.app if isinstance(cli.app, typer.core.TyperGroup) else typer.main.get_command(cli.app)
    return dict(_walk(found, ()))


def _walk(found: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if words and getattr(found, "invoke_without_command", True):
        yield " ".join(words), found
    for name, part in sorted(getattr(found, "commands", {}).items()):
        yield from _walk(part, (*words, name))


def lines_of(name: str, command: Any, files: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Command lines of a command: its own options and arguments, each with a value that may be right or odd."""
    hints = _hints(command)
    options, needed = [], []
    for one in command.params:
        if one.name in ("help", "store", "version"):
            continue
        value = _value(hints.get(one.name, str), files)
        if one.param_type_name == "argument":
            needed.append(
                value.map(lambda said: [said]) if one.required else st.just([]) | value.map(lambda said: [said])
            )
        elif getattr(one, "is_flag", False):
            options.append(st.sampled_from(one.opts).map(lambda said: [said]))
        else:
            options.append(st.tuples(st.sampled_from(one.opts), value).map(list))
    some = st.lists(st.one_of(options), max_size=4) if options else st.just([])
    asked = st.tuples(st.tuples(*needed), some).map(lambda parts: [*_flat(parts[0]), *_flat(parts[1])])
    odd = st.lists(TEXT, max_size=3)
    return st.one_of(asked, asked, asked, odd).map(lambda rest: [*name.split(), *rest])


def _flat(parts: Sequence[Sequence[str]]) -> list[str]:
    return [word for part in parts for word in part]


def _hints(command: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(command.callback))
    except (NameError, TypeError):
        return {}


def _value(hint: Any, files: Sequence[str]) -> st.SearchStrategy[str]:
    kinds = {hint, *typing.get_args(hint)}
    paths = st.sampled_from([*files, "missing", "new/folder", "\x00", "é" * 300])
    if Path in kinds:
        return paths
    if kinds & {int, float}:
        return NUMBERS.map(str) | st.sampled_from(["nan", "inf", "-0", "1e400", "0.5", "0x10", "", "٣"])
    near = TEXT.map(lambda said: said.lstrip("/~"))  # no absolute place: what a mistake makes stays below
    return near | near | paths


def fuzz_command(name: str, examples: int) -> Tally:
    """Tries a command within this process; call it within ``idle_commands``."""
    tally, files = Tally(), sorted(path.name for path in Path.cwd().iterdir())

    @quietly(examples if name.split()[0] not in FEW else min(examples, 5))
    @given(lines_of(name, commands()[name], files))
    def attempt(said: list[str]) -> None:
        tally.attempt(lambda: run(said))

    attempt()
    return tally


def run(words: Sequence[str], codes: Sequence[Any] = (0, None, 1, 2)) -> None:
    """Runs a command; ``InputError`` for one that it refused, and an error for any other end than those two."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(words)
        except SystemExit as end:
            code = end.code
    if code not in codes or "Traceback" in err.getvalue() or "\x1b" in out.getvalue() + _said(err.getvalue()):
        raise RuntimeError(f"{words} ended with {code}: {out.getvalue()[-200:]} {err.getvalue()[-500:]}")
    if code == 2:
        raise InputError("refused")


def _said(text: str) -> str:
    """What we say ourselves; typer paints its own boxes."""
    return "".join(line for line in text.splitlines() if line.startswith("t2ialign:"))


def attempts(names: Sequence[str], examples: int) -> Iterator[tuple[str, Callable[[], Tally]]]:
    """Each command with what tries it."""
    for name in names:
        yield f"`t2ialign {name}`", lambda name=name: fuzz_command(name, examples)  # type: ignore[misc]
