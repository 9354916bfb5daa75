"""A sweep on Hugging Face Jobs: a machine a part, which leaves its tables and pictures in a dataset of yours.

    python docs/hf_jobs_sweep.py sweep.toml you/sweep-results --parts 4 --flavor a10g-small --image IMAGE
    python docs/hf_jobs_sweep.py sweep.toml you/sweep-results --join ~/.local/share/t2ialign

``IMAGE`` is one with this package in it: build it from the Dockerfile, or name any Python image and say with ``--install`` how
it gets the package. Jobs cost money by the second. A part that fails is run again by ``--only 2``; ``--join`` downloads the
dataset and takes every part that is there into one store.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from huggingface_hub import create_repo, get_token, run_job, snapshot_download


def script(spec: str, repo: str, part: int, parts: int, install: str) -> str:
    """What a machine does; the sweep's file travels as text."""
    commands = [
        "set -e",
        install,
        f"printf %s {shlex.quote(Path(spec).read_text(encoding='utf-8'))} > sweep.toml",
        f"T2IALIGN_PART={part}/{parts} python -m t2ialign sweep sweep.toml --store home",
        "python -m t2ialign store export out --pictures --store home",
        f"hf upload {shlex.quote(repo)} out out-{part} --repo-type dataset",
    ]
    return "\n".join(filter(None, commands))


def submit(spec: str, repo: str, parts: range, of: int, flavor: str, image: str, install: str) -> None:
    token = get_token()
    if token is None:
        raise SystemExit("Log in first: hf auth login.")
    create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
    for part in parts:
        command = ["bash", "-c", script(spec, repo, part, of, install)]
        job = run_job(image=image, command=command, flavor=flavor, secrets={"HF_TOKEN": token}, timeout="4h")
        print(f"part {part}: {job.url}")


def join(repo: str, store: str) -> None:
    folder = Path(snapshot_download(repo, repo_type="dataset"))
    for out in sorted(folder.glob("out-*")):
        subprocess.run([sys.executable, "-m", "t2ialign", "store", "import", str(out), "--store", store], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spec")
    parser.add_argument("repo", help="A dataset of yours; it is made where it is missing, private.")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--only", type=int, help="This part alone.")
    parser.add_argument("--flavor", default="a10g-small")
    parser.add_argument("--image", default="python:3.12")
    parser.add_argument("--install", default="")
    parser.add_argument("--join", metavar="STORE", help="Take the parts into this store instead.")
    asked = parser.parse_args()
    chosen = range(asked.parts) if asked.only is None else range(asked.only, asked.only + 1)
    if asked.join:
        join(asked.repo, asked.join)
    else:
        submit(asked.spec, asked.repo, chosen, asked.parts, asked.flavor, asked.image, asked.install)
