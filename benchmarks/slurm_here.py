"""SLURM on this machine alone: a controller, one node, and munge, in a folder of their own.

    python benchmarks/slurm_here.py COMMAND…     # runs the command with this SLURM, then ends it

On Debian: apt-get install slurm-wlm munge. Run it as root, as a node has to be.
"""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CONF = """\
ClusterName=here
SlurmctldHost={node}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={work}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={work}/state
SlurmdSpoolDir={work}/spool
SlurmctldPidFile={work}/slurmctld.pid
SlurmdPidFile={work}/slurmd.pid
SlurmctldLogFile={work}/slurmctld.log
SlurmdLogFile={work}/slurmd.log
SlurmctldPort=36817
SlurmdPort=36818
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=1
KillWait=5
MaxArraySize={array_size}
ReturnToService=2
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} \
ThreadsPerCore=1 State=UNKNOWN
PartitionName=all Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def can_run() -> bool:
    """Whether the daemons are installed, and this user may start a node."""
    return os.geteuid() == 0 and all(shutil.which(name, path=_PATH) for name in DAEMONS)


_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


@contextmanager
def slurm(array_size: int = 1001) -> Iterator[Path]:
    """SLURM, within this context; yields the folder of its logs."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        work = Path(name)
        work.chmod(0o755)
        for folder in ("state", "spool"):
            (work / folder).mkdir()
        (work / "munge.key").write_bytes(os.urandom(128))
        (work / "munge.key").chmod(0o600)
        (work / "slurm.conf").write_text(
            CONF.format(
                node=platform.node(),
                user=getpass.getuser(),
                work=work,
                cpus=os.cpu_count(),
                array_size=array_size,
            )
        )
        before = os.environ.get("SLURM_CONF")
        os.environ["SLURM_CONF"] = str(work / "slurm.conf")
        started: list[subprocess.Popen[bytes]] = []
        try:
            files = [f"--{what}-file={work}/munge.{what}" for what in ("key", "pid", "log", "seed")]
            socket = f"--socket={work}/munge.socket"
            for command in (
                ["munged", "--foreground", "--force", socket, *files],
                ["slurmctld", "-D", "-i"],
                ["slurmd", "-D"],
            ):
                command[0] = shutil.which(command[0], path=_PATH) or command[0]
                null = subprocess.DEVNULL
                started.append(subprocess.Popen(command, stdout=null, stderr=null))
                time.sleep(1)
            _wait_until_idle()
            yield work
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
            for process in reversed(started):
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
            os.environ.pop("SLURM_CONF")
            if before is not None:
                os.environ["SLURM_CONF"] = before


def _wait_until_idle(seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True)
        if told.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    raise RuntimeError(f"the node does not come up: {told.stdout}{told.stderr}")


def wait_for_jobs(seconds: float = 600) -> None:
    """Wait until the queue is empty."""
    deadline = time.monotonic() + seconds
    while subprocess.run(["squeue", "-h"], capture_output=True, text=True).stdout.strip():
        if time.monotonic() > deadline:
            raise RuntimeError("jobs are still in the queue")
        time.sleep(0.5)


def main() -> int:
    """Run a command with this SLURM."""
    with slurm():
        return subprocess.run(sys.argv[1:]).returncode


if __name__ == "__main__":
    sys.exit(main())
