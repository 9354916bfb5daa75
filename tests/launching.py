"""Several processes as ``accelerate launch`` starts them, on the CPU; or forked, where it is not what is tested."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A free port that no system hands out to clients: who asks before the server listens could be given its own.

    A client that is given the port it asks for is connected with itself, and hears its own question as the answer.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port")


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


def forked(work: Callable[[], object], count: int = 2) -> None:
    """``work`` in ``count`` processes with the places that ``accelerate launch`` gives, without importing everything anew."""
    port = free_port()
    processes = [_forked(work, rank, count, port) for rank in range(count)]
    assert [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes] == [0] * count


def _forked(work: Callable[[], object], rank: int, count: int, port: int) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        from accelerate import PartialState

        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in place.items()})
        PartialState._reset_state()
        work()
        code = 0
    except SystemExit as stopped:
        code = stopped.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
