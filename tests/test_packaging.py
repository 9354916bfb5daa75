"""What is installed: ranges and pins agree, and a wheel works outside the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import venv
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.launching import free_port

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_A_SPACE = ("space", "oauth", "mcp")
INDEX_LIMIT = 100e6  # bytes of one file that the package index takes


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def ranges(lines: list[str]) -> dict[str, Requirement]:
    return {canonical(one.name): one for one in map(Requirement, lines)}


def pins(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {canonical(name): pin for name, _, pin in (line.partition("==") for line in lines if "==" in line)}


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-dev.txt", PROJECT["optional-dependencies"]["dev"]),
        ("requirements-space.txt", [line for extra in OF_A_SPACE for line in PROJECT["optional-dependencies"][extra]]),
    ],
)
def test_every_range_has_a_pin_within_it(file: str, wanted: list[str]) -> None:
    pinned, allowed = pins(file), ranges(wanted)
    assert pinned.keys() == allowed.keys()
    assert {name: pin for name, pin in pinned.items() if pin not in allowed[name].specifier} == {}


def test_every_extra_has_pins() -> None:
    """But for ``ray``, which is one of the development tools."""
    assert set(PROJECT["optional-dependencies"]) == {*OF_A_SPACE, "ray", "dev"}
    assert set(PROJECT["optional-dependencies"]["ray"]) < set(PROJECT["optional-dependencies"]["dev"])


def test_torch_is_not_capped() -> None:
    """Platforms bring the torch that fits their cards."""
    allowed = ranges(PROJECT["dependencies"])
    assert all({one.operator for one in allowed[name].specifier} == {">="} for name in ("torch", "torchvision"))


def test_a_space_runs_the_pinned_gradio() -> None:
    said = re.search(r"^sdk_version: (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert said and said[1] == pins("requirements.txt")["gradio"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from the checkout without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    offline = ("--no-deps", "--no-index", "--no-build-isolation")
    pip("wheel", *offline, "--quiet", "--wheel-dir", str(folder), str(ROOT))
    return next(folder.glob("*.whl"))


def pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def files_of(folder: str) -> set[str]:
    paths = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if "__pycache__" not in path.parts and path.suffix != ".pyc"}


@pytest.mark.slow
@pytest.mark.timeout(300)  # on a busy machine
def test_a_wheel_holds_the_package_and_what_ships_with_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    shipped = {f"t2ialign/shipped/{name}" for name in files_of("checkpoints") | files_of("data")}
    assert held == files_of("t2ialign") | shipped
    assert {"t2ialign/py.typed", "t2ialign/shipped/checkpoints/registry.toml"} <= held
    assert wheel.stat().st_size < INDEX_LIMIT


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a fresh environment that has the wheel, and sees the libraries that are installed here."""
    folder = tmp_path_factory.mktemp("elsewhere") / "environment"
    venv.create(folder, symlinks=os.name == "posix")
    scheme = sysconfig.get_preferred_scheme("prefix") if os.name != "posix" else "venv"
    own = Path(sysconfig.get_path("purelib", scheme, {"base": str(folder), "platbase": str(folder)}))
    (own / "libraries.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")) + "\n")
    python = next(folder.glob("[bS]*/python*"))
    pip("--python", str(python), "install", "--no-deps", "--no-index", "--no-compile", "--quiet", str(wheel))
    return folder


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_installed_wheel_needs_no_checkout(installed: Path, tmp_path: Path) -> None:
    program = str(next(installed.glob("[bS]*/t2ialign*")))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["T2IALIGN_HOME"] = str(tmp_path / "home")

    def say(*words: str) -> str:
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    name, version = say(program, "--version").split()
    assert len(list(installed.glob(f"**/{name}-{version}.dist-info"))) == 1
    batch = ("a red circle", "--seeds", "0-1", "--steps", "2", "--metrics", "oracle_alignment", "--out", "pictures")
    say(program, "generate", *batch)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2
    port = free_port()
    page = subprocess.Popen([program, "serve", "--port", str(port)], cwd=tmp_path, env=environment)
    try:
        assert "t2-name" in fetched(f"http://127.0.0.1:{port}/", page)
    finally:
        page.terminate()
        assert page.wait(30) == 0


def fetched(address: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(address, timeout=20) as answer:
            return answer.read().decode()
        time.sleep(0.2)
    raise TimeoutError(f"the page did not answer (it ended with {process.poll()})")
