"""The files for Slurm and Hugging Face Jobs at work, without their services: their commands are stood in for by scripts.

Submitit writes its own sbatch file and reads its own logs; ``sbatch`` runs that file once for each task of the array, as Slurm
would and after it has answered, and ``srun`` runs what it is given. ``hf upload`` copies to a folder in the place of a dataset.
"""

from __future__ import annotations

import os
import pickle
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.store import open_store

DOCS = settings.ROOT / "docs"
PARTS = 2
SPEC = """
guidance_scales = [1, 6]
seeds = "own:2"
num_inference_steps = 1
metrics = ["oracle_alignment", "factor_diversity"]
[prompts]
texts = ["a red circle", "a star"]
"""
SBATCH = """#!/bin/bash
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$1")
(for task in $(seq 0 "$last"); do
    env SLURM_JOB_ID=70$task SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task SLURM_PROCID=0 SLURM_LOCALID=0 \\
        SLURM_NTASKS=1 SLURM_NODEID=0 SLURM_JOB_NUM_NODES=1 SLURM_JOB_NODELIST=here bash "$1"
done) > /dev/null 2>&1 &
echo "Submitted batch job 7"
"""
SRUN = """#!/bin/bash
while [ "${1:0:1}" = "-" ]; do
    case "$1" in --output | --error) shift ;; esac
    shift
done
exec "$@"
"""
HF = """#!/bin/bash
[ "$1 $2" = "upload you/results" ] && mkdir -p "$DATASET" && cp -r "$3" "$DATASET/$4"
"""


def stand_in(folder: Path, **scripts: str) -> dict[str, str]:
    """An environment in which these commands come first."""
    folder.mkdir()
    scripts["python"] = f'#!/bin/bash\nexec {sys.executable} "$@"\n'
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    known = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(settings.ROOT)}
    return {**os.environ, **known, "OMP_NUM_THREADS": "1", "DATASET": str(folder / "dataset")}


def ended(result: Path) -> tuple[str, object]:
    """What submitit wrote down of a task at its end."""
    until = time.monotonic() + 300
    while not result.is_file() and time.monotonic() < until:
        time.sleep(0.2)
    found: tuple[str, object] = pickle.loads(result.read_bytes())
    return found


def cells_in(home: Path) -> list[tuple[int, int]]:
    """How many seeds the sweep's cells have, and how many scores."""
    with open_store(home) as store:
        sql = """
            SELECT count(DISTINCT seed), count(DISTINCT metric)
            FROM images JOIN batch_scores USING (cell) JOIN cells USING (cell) JOIN configs USING (config)
            WHERE record LIKE '%"num_inference_steps": 1,%' GROUP BY cell
        """
        return store.rows(sql)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.name != "posix", reason="scripts of bash stand in")
def test_a_sweep_through_slurm_comes_home_whole(tmp_path: Path, light_home: Path) -> None:
    """The stores have no shipped runs: each task would take them in, send them all, and they would be joined as often."""
    pytest.importorskip("submitit", reason="submitit is not installed")
    for place in ("home", *(f"shared/part-{part}" for part in range(PARTS))):
        shutil.copytree(light_home, tmp_path / place)
    (tmp_path / "sweep.toml").write_text(SPEC)
    environment = stand_in(tmp_path / "bin", sbatch=SBATCH, srun=SRUN)
    command = [sys.executable, str(DOCS / "slurm_sweep.py"), str(tmp_path / "sweep.toml"), "--parts", str(PARTS)]
    command += ["--folder", str(tmp_path / "shared")]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"{PARTS} tasks: 7_0 and the following"), said.stderr
    sheet = next((tmp_path / "shared" / "logs").glob("*submission*.sh")).read_text()
    assert "#SBATCH --gpus-per-node=1" in sheet and "#SBATCH --partition=gpu" in sheet
    assert [ended(tmp_path / "shared" / "logs" / f"7_{part}_0_result.pkl")[0] for part in range(PARTS)] == [
        "success"
    ] * PARTS
    for _ in range(2):  # again changes nothing
        subprocess.run([*command, "--join", str(tmp_path / "home")], env=environment, check=True)
        assert cells_in(tmp_path / "home") == [(2, 2)] * 4


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.name != "posix", reason="scripts of bash stand in")
def test_what_a_rented_machine_does_fills_the_dataset_that_is_joined(tmp_path: Path, light_home: Path, monkeypatch):
    shutil.copytree(light_home, tmp_path / "home")
    (tmp_path / "sweep.toml").write_text(SPEC)
    environment = stand_in(tmp_path / "bin", hf=HF)
    monkeypatch.setitem(os.environ, "PYTHONPATH", str(settings.ROOT))
    jobs = runpy.run_path(str(DOCS / "hf_jobs_sweep.py"))
    for part in range(PARTS):
        shutil.copytree(light_home, (machine := tmp_path / f"machine-{part}") / "home")
        text = jobs["script"](str(tmp_path / "sweep.toml"), "you/results", part, PARTS, "")
        subprocess.run(["bash", "-c", text], cwd=machine, env=environment, check=True, capture_output=True)
    monkeypatch.setitem(
        jobs["join"].__globals__, "snapshot_download", lambda repo, repo_type: str(tmp_path / "bin/dataset")
    )
    jobs["join"]("you/results", str(tmp_path / "home"))
    assert cells_in(tmp_path / "home") == [(2, 2)] * 4
