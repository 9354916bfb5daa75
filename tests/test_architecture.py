"""The rules of the house that no linter knows: sizes, light imports, registries that mirror files, checked shapes."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
import time
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

import pytest

from tests import shape_checks

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "t2ialign").rglob("*.py"))
HEAVY = ("torch", "torchvision", "diffusers", "transformers", "gradio", "plotly", "duckdb", "pandas", "scipy", "numpy")
REGISTRIES = (("metrics", "METRICS"), ("guidance", "GUIDANCE"), ("objectives", "OBJECTIVES"), ("methods", "METHODS"))
FUNCTION_LINES, FILE_LINES = 50, 400


@cache
def trees() -> list[tuple[Path, ast.Module]]:
    """Every module of the package, parsed once for all tests."""
    return [(path.relative_to(ROOT), ast.parse(path.read_text())) for path in MODULES]


def entries(package: str, registry: str) -> set[str]:
    return set(getattr(import_module(f"t2ialign.{package}"), registry))


@pytest.mark.slow
def test_every_annotation_can_be_checked():
    """Of functions that no test calls, too: a check is made when its function is first called (tests/shape_checks.py)."""
    for path in MODULES:
        if path.name != "__main__.py":
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    assert len(shape_checks.CHECKS) > 3000
    for make in shape_checks.CHECKS:
        make()


@pytest.mark.slow
def test_no_function_over_fifty_lines():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [(path, node) for path, tree in trees() for node in ast.walk(tree) if isinstance(node, kinds)]
    lengths = {f"{path}:{node.name}": node.end_lineno - node.lineno + 1 for path, node in functions}
    assert len(lengths) > 50
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_no_file_is_longer_than_its_subject():
    """A file is as long as its one subject, and past this it has two; but for the tour, which has a line for every file."""
    files = [path for path in MODULES if path != ROOT / "t2ialign" / "__init__.py"]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_tour_names_every_file():
    """The package's docstring is its map: every file, with a comment, and none that is gone. Menus list their own."""
    import t2ialign

    path, tour = [], set()
    for line in re.findall(r"^ {4,}[\w/]+(?:\.py|/) +\S", t2ialign.__doc__, re.M):
        depth = (len(line) - len(line.lstrip())) // 4
        path = [*path[: depth - 1], line.split()[0]]
        tour |= {"".join(path)} if line.split()[0].endswith(".py") else set()
    menus = {f"{package}/{key}.py" for package, registry in REGISTRIES for key in entries(package, registry)}
    files = {str(path.relative_to(ROOT / "t2ialign")) for path in MODULES if path.name != "__init__.py"} - menus
    assert (files - tour, tour - files) == (set(), set()), "missing from the tour, and gone from the package"


def test_public_functions_are_found():
    import t2ialign

    assert {name for name in t2ialign.__all__ if not callable(getattr(t2ialign, name))} == set()
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        t2ialign.nonsense  # noqa: B018


@pytest.mark.slow
def test_no_hasattr_and_no_global():
    """Structure is declared (Protocols, dataclasses), not asked for; state has an owner."""
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global) or (isinstance(node, ast.Name) and node.id == "hasattr")
    ]
    assert found == []


@pytest.mark.slow
def test_no_inheritance_of_implementation():
    """A class is a Protocol, an exception, an enum, a torch module or a plain final class."""
    errors = {"ValueError", "RuntimeError", "InputError"}
    allowed = {"Protocol", "NamedTuple", "TypedDict", "Enum", "StrEnum", "nn.Module", *errors}
    bases = {
        f"{path}:{node.name}": ast.unparse(base).split("[")[0]
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    }
    assert {name: base for name, base in bases.items() if base not in allowed} == {}


def test_a_public_class_name_is_one_thing():
    """A name that stands in two modules means two things to whoever reads it.

    But for a role that many files of one kind play: ``Options`` are a method's own, read as ``spo.Options``.
    """
    roles = {("methods", "Options")}
    places: dict[str, list[str]] = {}
    for path, tree in trees():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and (path.parts[1], node.name) not in roles and node.name[0] != "_":
                places.setdefault(node.name, []).append(str(path))
    assert len(places) > 500
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def interpreter(*arguments: str) -> str:
    """What a fresh interpreter says on stderr; its failure is the test's."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def modules_after(statement: str) -> set[str]:
    """Top-level modules that are loaded in a fresh interpreter after ``statement``."""
    program = f"{statement}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)"
    return set(interpreter("-c", program).split())


SLOW = ("diffusers", "peft", "transformers", "accelerate", "open_clip", "lpips", "torchvision", "statsmodels")
SLOW_PARTS = {"scipy.stats", "scipy.optimize", "scipy.sparse"}
LOADED_LATE = {"t2ialign/diffusion/stock.py", "t2ialign/use_cases/reports/world.py"}  # by tests, and within a command


def test_libraries_of_models_wait_within_functions():
    """Every command and worker would pay for them, seconds of a core each, and the page is there before they are wanted."""
    early = {
        f"{path}: {name}"
        for path, tree in trees()
        if path.parts[1] not in ("shapes", "encoders") and str(path) not in LOADED_LATE
        for node in tree.body
        for name in imported_parts(node)
        if name.partition(".")[0] in SLOW or any(f"{name}.".startswith(f"{part}.") for part in SLOW_PARTS)
    }
    assert early == set()


def imported_parts(node: ast.stmt) -> list[str]:
    """The modules that a statement imports, as far as a name may be one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("module", ["t2ialign", "t2ialign.types", "t2ialign.settings", "t2ialign.cli"])
def test_light_modules_import_nothing_heavy(module: str):
    assert modules_after(f"import {module}") & set(HEAVY) == set()


HELP = """
import sys
sys.argv = ["t2ialign", "--help"]
from t2ialign.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.slow
def test_help_loads_nothing_heavy():
    assert modules_after(HELP) & set(HEAVY) == set()


@pytest.mark.slow
def test_help_answers_fast():
    """Against the time of importing typer alone, by turns, so that a slow or busy machine does not matter."""

    def seconds(*arguments: str) -> float:
        start = time.perf_counter()
        interpreter(*arguments)
        return time.perf_counter() - start

    helped, imported = zip(
        *(
            (seconds("-m", "t2ialign", "--help"), seconds("-c", "import typer, rich.console, typer.rich_utils"))
            for _ in range(5)
        )
    )
    assert min(helped) < 3 * min(imported), (helped, imported)


@pytest.mark.parametrize(("package", "registry"), REGISTRIES)
def test_registry_key_is_file_name_is_test_name(package: str, registry: str):
    """But for metrics that are rows of a table."""
    keys = entries(package, registry) - metric_rows()
    assert keys
    assert {key for key in keys if not (ROOT / "t2ialign" / package / f"{key}.py").exists()} == set()
    assert {key for key in keys if not (ROOT / "tests" / package / f"test_{key}.py").exists()} == set()


def metric_rows() -> set[str]:
    """Metrics that share a file: those that only read a feature, and those of one group of free factors."""
    from t2ialign.metrics.factor_groups import GROUPS
    from t2ialign.metrics.readings import READINGS

    return set(READINGS) | set(GROUPS)


def test_every_metric_file_is_on_the_menu():
    from t2ialign.metrics import METRICS

    files = {path.stem for path in (ROOT / "t2ialign/metrics").glob("*.py") if "\nMETRIC = " in path.read_text()}
    assert files | metric_rows() == set(METRICS) and not files & metric_rows()
    assert all(metric.name == key for key, metric in METRICS.items())


def test_shapes_are_checked_in_tests():
    """The pytest flag really checks: a wrong shape stops at the function's door, with beartype's name on it."""
    import torch
    from jaxtyping import TypeCheckError

    from t2ialign.metrics.pairwise import squared_distances

    squared_distances(torch.zeros(3, 4), torch.zeros(2, 4))
    with pytest.raises(TypeCheckError):
        squared_distances(torch.zeros(3, 4), torch.zeros(2, 5))
    with pytest.raises(TypeCheckError):
        squared_distances(torch.zeros(3, 4, 5), torch.zeros(2, 4))


def test_what_names_no_shape_is_checked_too():
    from t2ialign.types import Prompt

    with pytest.raises(TypeError, match="category"):
        Prompt("a ring", 3)


@pytest.mark.slow
def test_shapes_are_importable_where_they_are_checked():
    """Under TYPE_CHECKING a shape is a comment that nothing checks; only the light nouns in types.py may have it so."""
    hidden = [
        str(path)
        for path, tree in trees()
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module in ("jaxtyping", "torch")
    ]
    assert set(hidden) <= {"t2ialign/types.py"}


def test_warnings_of_the_package_are_errors(pytestconfig: pytest.Config):
    assert pytestconfig.getini("filterwarnings") == ["error:::t2ialign"]


def test_suite_is_offline():
    with pytest.raises(ConnectionRefusedError, match="offline"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def imported_names(tree: ast.Module) -> set[str]:
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    dotted = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) if node.module and not node.level
    }
    return {name.partition(".")[0] for name in plain | dotted}


@pytest.mark.slow
def test_every_import_is_a_pinned_requirement():
    """What the package imports is named in requirements.txt, at exactly the version that is installed here."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = dict(re.match(r"([\w.-]+)==([\w.]+)", line).groups() for line in lines if line and line[0] not in "#-")
    pins = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    homes = metadata.packages_distributions()
    foreign = set().union(*(imported_names(tree) for _, tree in trees())) - set(sys.stdlib_module_names) - {"t2ialign"}
    optional = {"ray"}
    used = {homes[name][0].lower().replace("_", "-") for name in foreign - optional if name in homes}
    assert foreign - optional - set(homes) == set()
    assert used - set(pins) == set()
    assert {name: pin for name, pin in pins.items() if metadata.version(name).partition("+")[0] != pin} == {}
