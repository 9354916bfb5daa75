"""A command on several devices: each process knows its device and its share, and what one says last is heard."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from t2ialign import settings
from t2ialign.cli.app import app
from t2ialign.engines.spread import run_on, share
from t2ialign.types import InputError

TELL = """
import os, pathlib, sys
device, part = os.environ["T2IALIGN_DEVICE"], os.environ["T2IALIGN_PART"]
pathlib.Path(sys.argv[1], part.replace("/", "of")).write_text(device)
sys.stderr.write("\\rsweeping:  50%")
"""


def test_each_device_has_a_process_with_its_share(tmp_path: Path) -> None:
    fractions = list(run_on(("one", "two"), [sys.executable, "-c", TELL, str(tmp_path)]))
    assert fractions[-1] == 1.0 and fractions == sorted(fractions)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"0of2": "one", "1of2": "two"}


def test_shares_are_all_of_it_once(monkeypatch) -> None:
    work, found = list(range(7)), []
    for index in range(3):
        monkeypatch.setenv("T2IALIGN_PART", f"{index}/3")
        found += share(work)
    assert sorted(found) == work
    monkeypatch.delenv("T2IALIGN_PART")
    assert share(work) == tuple(work)
    for odd in ("3/3", "1", "a/b", "-1/2", "0/0"):
        monkeypatch.setenv("T2IALIGN_PART", odd)
        with pytest.raises(InputError, match="T2IALIGN_PART"):
            settings.part()


def test_one_that_fails_is_heard_and_the_others_are_stopped(tmp_path: Path) -> None:
    failing = (
        'import os, sys, time\nif os.environ["T2IALIGN_DEVICE"]=="two": sys.exit("t2ialign: no such device")\n'
        "time.sleep(60)"
    )
    with pytest.raises(InputError, match="On two: no such device"):
        list(run_on(("one", "two"), [sys.executable, "-c", failing]))
    with pytest.raises(InputError, match="at least one device"):
        list(run_on((), ["true"]))


def test_only_sweeps_are_spread() -> None:
    with pytest.raises(InputError, match="Only a sweep is spread over devices, not 'align'"):
        CliRunner().invoke(app, ["spread", "cpu", "align", "f_dpo"], catch_exceptions=False)


@pytest.mark.slow
def test_a_sweep_on_two_fake_devices_fills_the_store(light_home: Path, tmp_path: Path) -> None:
    from t2ialign.store import list_cells, open_store

    home = shutil.copytree(light_home, tmp_path / "home")
    asked = ["sweep", "--store", str(home), "--prompts", "shapes-test:single", "--guidance-scales", "2"]
    more = ["--seeds", "own:1", "--steps", "1", "--metrics", "entropy_1d"]
    done = CliRunner().invoke(app, ["spread", "cpu,cpu", *asked, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with open_store(home) as opened:
        cells = [cell for cell in list_cells(opened) if cell.config.num_inference_steps == 1]
    assert len({cell.prompt.text for cell in cells}) == len(cells) == 4
