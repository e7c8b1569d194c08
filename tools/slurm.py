"""Grade on SLURM: start a Dask cluster of jobs, run a command with its address, end the jobs.

On the login node, in the environment that the jobs see too (a shared home folder)::

    sh tools/certificates.sh ~/nbjudge-tls
    python tools/slurm.py --jobs 8 --tls ~/nbjudge-tls nbjudge grade tp1

Each job is one worker with one core; the command begins when the first has started.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from dask_jobqueue import SLURMCluster
from distributed.security import Security


def main() -> int:
    """Return the exit code of the command."""
    first = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=first)
    parser.add_argument("--jobs", type=int, required=True, help="workers, one core each")
    parser.add_argument("--tls", type=Path, required=True, help="folder of tools/certificates.sh")
    parser.add_argument("--memory", default="4GB", help="of a job: limits.memory_bytes and 1 GB")
    parser.add_argument("--walltime", default="04:00:00", help="of a job")
    parser.add_argument("--partition", help="by default SLURM's own")
    parser.add_argument("--account", help="whom SLURM charges")
    parser.add_argument("--interface", help="network that the nodes reach this one by: eth0, ib0")
    parser.add_argument("--logs", type=Path, help="folder for what jobs write")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="nbjudge grade TP ...")
    options = parser.parse_args()
    tls = options.tls.resolve()
    ca, cert, key = (str(tls / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    if missing := [path for path in (ca, cert, key) if not Path(path).is_file()]:
        parser.error(f"there is no {missing[0]}: sh tools/certificates.sh {options.tls}")
    security = Security(
        require_encryption=True,
        tls_ca_file=ca,
        **{f"tls_{role}_cert": cert for role in ("client", "scheduler", "worker")},
        **{f"tls_{role}_key": key for role in ("client", "scheduler", "worker")},
    )
    with SLURMCluster(
        cores=1,  # one submission at a time in each worker
        processes=1,
        memory=options.memory,
        walltime=options.walltime,
        queue=options.partition,
        account=options.account,
        interface=options.interface,
        log_directory=None if options.logs is None else str(options.logs.resolve()),
        protocol="tls://",
        security=security,
        scheduler_options={"dashboard": False},
        worker_extra_args=["--no-dashboard"],
    ) as cluster:
        cluster.scale(jobs=options.jobs)
        cluster.wait_for_workers(1)
        address = ["--scheduler", cluster.scheduler_address]
        certificates = ["--tls-ca", ca, "--tls-cert", cert, "--tls-key", key]
        return subprocess.run([*options.command, *address, *certificates], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
