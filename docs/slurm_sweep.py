"""A sweep on a Slurm cluster with submitit: a task a GPU, a store a task, one store in the end.

    pip install submitit
    python docs/slurm_sweep.py sweep.toml --parts 16 --folder /shared/sweep --partition gpu
    python docs/slurm_sweep.py sweep.toml --parts 16 --folder /shared/sweep --join ~/.local/share/t2ialign

Every task has a store of its own in the shared folder, so nothing depends on the locks of a network file system. A task that
dies is submitted again by the same command: it goes on with what its store lacks. ``--join`` takes all parts into one store;
what is there already stays as it is, so it may be run while tasks still work and again at the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

T2IALIGN = [sys.executable, "-m", "t2ialign"]


def run_part(spec: str, folder: str, part: int, parts: int) -> None:
    """One task: its share of the cells, then its tables and pictures for ``join``."""
    home, out = Path(folder) / f"part-{part}", Path(folder) / f"out-{part}"
    own = {**os.environ, "T2IALIGN_PART": f"{part}/{parts}"}
    subprocess.run([*T2IALIGN, "sweep", spec, "--store", str(home)], env=own, check=True)
    if out.exists():  # of a smaller sweep
        shutil.rmtree(out)
    subprocess.run([*T2IALIGN, "store", "export", str(out), "--pictures", "--store", str(home)], check=True)


def submit(spec: str, folder: str, parts: int, partition: str, minutes: int) -> None:
    """All parts as one job array."""
    import submitit

    executor = submitit.AutoExecutor(folder=f"{folder}/logs")
    executor.update_parameters(
        name="t2ialign", slurm_partition=partition, gpus_per_node=1, cpus_per_task=8, mem_gb=32, timeout_min=minutes
    )
    jobs = executor.map_array(run_part, [spec] * parts, [folder] * parts, range(parts), [parts] * parts)
    print(f"{len(jobs)} tasks: {jobs[0].job_id} and the following; their logs are in {folder}/logs.")


def join(folder: str, store: str) -> None:
    """Every part that is ready into one store."""
    for out in sorted(Path(folder).glob("out-*")):
        subprocess.run([*T2IALIGN, "store", "import", str(out), "--store", store], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spec")
    parser.add_argument("--folder", required=True, help="A folder that all nodes reach.")
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--partition", default="gpu")
    parser.add_argument("--minutes", type=int, default=240)
    parser.add_argument("--join", metavar="STORE", help="Take the parts into this store instead.")
    asked = parser.parse_args()
    if asked.join:
        join(asked.folder, asked.join)
    else:
        submit(asked.spec, asked.folder, asked.parts, asked.partition, asked.minutes)
