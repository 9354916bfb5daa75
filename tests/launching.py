"""Several processes as ``accelerate launch`` starts them, on the CPU."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def launched(*words: str, count: int = 2) -> Iterator[subprocess.Popen[str]]:
    """``accelerate launch WORDS`` with ``count`` processes, whose output is one; it does not outlive the block."""
    # accelerate starts several processes for --multi_gpu only; that they compute on the CPU is what they ask for
    options = ["--multi_gpu", "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no"]
    options += [f"--num_processes={count}", f"--main_process_port={free_port()}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACCELERATE_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "T2IALIGN_DEVICE": "cpu"}
    command = [sys.executable, "-m", "accelerate.commands.launch", *options, *words]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()  # and with it, as it promises, all that it started
            process.wait(60)
