"""What a deployment would send: a repository that runs by itself, and no secret in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from t2ialign.hub.space import LARGE, SpacePlan, check_plan, lines, push_space, write_space
from t2ialign.types import InputError
from tests.hub.disk_hub import DiskHub

PLAN = SpacePlan("me/space", "t4-small", variables={"T2IALIGN_VISITOR_RUNS": "1"}, secrets={"HF_TOKEN": "hf_hidden"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("deploy") / "space"
    write_space(PLAN, out)
    return out


@pytest.mark.slow
def test_the_folder_runs_by_itself(folder: Path):
    """From the folder alone: its own package, weights and data are found, and the entry is the page's command."""
    code = (
        "import t2ialign, t2ialign.settings as s; from t2ialign.registry import load_registry; s.check_shipped();"
        "print(s.CHECKPOINTS); print(len(load_registry().checkpoints))"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith("T2IALIGN")}
    found = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=folder, env=bare, capture_output=True, text=True, check=True
    )
    where, count = found.stdout.split()
    assert Path(where) == folder / "checkpoints" and int(count) > 10
    assert (folder / "app.py").read_text().endswith('main(["serve"])\n')


def required(lines: list[str]) -> list[str]:
    return [line for line in lines if line and line[0].isalnum()]


def pinned(file: str) -> list[str]:
    return required((folder_of_pins() / file).read_text().splitlines())


def test_a_checkout_s_space_has_nothing_without_a_pin(folder: Path):
    lines = required((folder / "requirements.txt").read_text().splitlines())
    signing_in = [
        one for one in pinned("requirements-space.txt") if one.partition("==")[0] in ("authlib", "itsdangerous")
    ]
    assert lines == [*pinned("requirements.txt"), *signing_in] and all("==" in one for one in lines)
    assert len(signing_in) == 2


def test_an_installed_package_s_space_has_its_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = ["gradio<7,>=6.31", "torch>=2.8", 'authlib>=1.3; extra == "oauth"', 'spaces<1,>=0.50; extra == "space"']
    monkeypatch.setattr("t2ialign.hub.space.requires", lambda name: [*asked, 'ray>=2; extra == "ray"'])
    monkeypatch.setattr("t2ialign.settings.INSTALLED", True)
    write_space(PLAN, tmp_path / "owned")
    assert (tmp_path / "owned/requirements.txt").read_text().splitlines() == [*asked[:2], "authlib>=1.3"]
    write_space(SpacePlan("me/space", "zero-a10g"), tmp_path / "zero")
    lent = ["gradio<7,>=6.31", "torch", "authlib>=1.3", "spaces<1,>=0.50"]
    assert (tmp_path / "zero/requirements.txt").read_text().splitlines() == lent


def test_front_matter_and_requirements_agree(folder: Path):
    header = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    wanted = {"sdk": "gradio", "python_version": "3.12", "app_file": "app.py", "suggested_hardware": "t4-small"}
    assert wanted.items() <= header.items()
    assert f"gradio=={header['sdk_version']}" in (folder / "requirements.txt").read_text().splitlines()
    assert len(header.get("short_description", "")) <= 60


def test_where_a_gpu_is_lent_the_platform_chooses_torch(tmp_path: Path):
    write_space(SpacePlan("me/space", "zero-a10g"), tmp_path / "zero")
    lines = (tmp_path / "zero/requirements.txt").read_text().splitlines()
    assert {one for one in required(lines) if "==" not in one} == {"torch", "torchvision"}
    more = [one for one in pinned("requirements-space.txt") if not one.startswith("mcp")]
    free = [one.partition("==")[0] if one.startswith("torch") else one for one in pinned("requirements.txt")]
    assert required(lines) == free + more
    header = yaml.safe_load((tmp_path / "zero/README.md").read_text().split("---")[1])
    assert header["hf_oauth"] is True and header["suggested_hardware"] == "zero-a10g"


def folder_of_pins() -> Path:
    return Path(__file__).parent.parent.parent


def test_only_what_it_needs_is_sent_and_each_file_fits_plain_git(folder: Path):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).parts[0] for path in files} == {
        "README.md",
        "app.py",
        "checkpoints",
        "data",
        "requirements.txt",
        "t2ialign",
    }
    assert not [path for path in files if path.suffix == ".pyc" or path.stat().st_size > LARGE]
    assert not any(b"hf_hidden" in path.read_bytes() for path in files)


def test_what_is_shown_names_secrets_and_hides_them(folder: Path):
    said = "\n".join(lines(PLAN, folder, [path for path in folder.rglob("*") if path.is_file()]))
    assert "spaces/me/space, private, on t4-small" in said and "T2IALIGN_VISITOR_RUNS = 1" in said
    assert "secret   HF_TOKEN (not shown)" in said and "hf_hidden" not in said and "hf_hidden" not in repr(PLAN)


class SpaceHub(DiskHub):
    """The stand-in, with what only Spaces have; ``said`` is everything in its order."""

    def create_repo(self, repo_id: str, repo_type: str, private: bool, exist_ok: bool, space_sdk: str = "") -> Any:
        self.said = [("create", repo_type, space_sdk)]
        return super().create_repo(repo_id, repo_type, private, exist_ok)

    def add_space_variable(self, repo_id: str, name: str, value: str) -> None:
        self.said.append(("variable", name, value))

    def add_space_secret(self, repo_id: str, name: str, value: str) -> None:
        self.said.append(("secret", name, value))

    def upload_folder(self, *, delete_patterns: str, **options: Any) -> None:  # type: ignore[override]
        self.said.append(("upload", delete_patterns))
        super().upload_folder(**options)

    def request_space_hardware(self, repo_id: str, hardware: Any) -> None:
        self.said.append(("hardware", str(hardware.value)))


def test_settings_are_there_before_the_page_starts(folder: Path, tmp_path: Path):
    hub = SpaceHub(tmp_path / "hub")
    assert push_space(PLAN, folder, hub) == "https://huggingface.co/spaces/me/space"
    assert hub.said == [
        ("create", "space", "gradio"),
        ("variable", "T2IALIGN_VISITOR_RUNS", "1"),
        ("secret", "HF_TOKEN", "hf_hidden"),
        ("upload", "*"),
        ("hardware", "t4-small"),
    ]
    assert (hub.root / "me/space/app.py").is_file() and hub.private == {"me/space": True}


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (SpacePlan("space"), "write USER/NAME"),
        (SpacePlan("a/b/c"), "write USER/NAME"),
        (SpacePlan("me/space", "gpu"), "no machine called 'gpu': it has cpu-basic"),
    ],
)
def test_what_the_hub_would_refuse_is_refused_here(plan: SpacePlan, said: str):
    with pytest.raises(InputError, match=said):
        check_plan(plan)


@pytest.mark.slow
def test_the_command_shows_and_sends_nothing(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MY_SECRET", "hush")
    asked = ("deploy", "--repo", "me/space", "--dry-run", "--secret", "MY_SECRET", "--variable", "A=1", "--out")
    code, out, err = run(*asked, str(tmp_path / "out"))
    assert code == 0, err
    assert "secret   MY_SECRET" in out and "secret   T2IALIGN_OWNER_TOKEN" in out and "hush" not in out
    assert out.endswith("Nothing was sent. The same command without --dry-run sends it.\n")
    assert run("deploy", "--repo", "me/space", "--dry-run", "--secret", "NOT_HERE")[0] == 2
    assert run("deploy", "--repo", "me/space", "--dry-run", "--variable", "no sign")[0] == 2
