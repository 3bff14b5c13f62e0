"""What bench/collect and bench/start share: finding the programs, and measuring a process."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# Both sides get as many.
PROCESSORS = 2


@dataclass
class Usage:
    """What one process took, all its threads and children included."""

    cpu: float
    wall: float
    peak_bytes: int


def run(command: list[str], stdin: bytes = b"") -> tuple[Usage, bytes]:
    """Runs a process to its end; ends the benchmark if it fails."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        started = time.perf_counter()
        # No configuration of the user's takes part.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EGRET_")}
        process = subprocess.Popen(command, stdin=given, stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            sys.stderr.write(errors.read().decode(errors="replace"))
            sys.exit(f"{command[0]} ended with {process.returncode}")
        output.seek(0)
        # Linux counts in KiB.
        return Usage(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024), output.read()


def use_two_processors() -> None:
    """From now on this process, and all that it starts, has at most two processors."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])


def duckdb_python(repository: Path) -> str:
    """A Python with DuckDB."""
    chosen = os.environ.get("EGRET_TEST_PYTHON")
    if chosen:
        return chosen
    python = Path.home() / ".cache/egret/venv/bin/python"
    if not python.exists():
        build(["make", "-C", str(repository), "setup"])
    return str(python)


def egret(repository: Path, given: Path | None) -> Path:
    """The binary: the given one, or a release build of this repository."""
    if given:
        return given.resolve()
    target = Path(os.environ.setdefault("CARGO_TARGET_DIR", str(Path.home() / ".cache/egret/target")))
    manifest = str(repository / "Cargo.toml")
    build(["cargo", "build", "--locked", "--release", "--package", "egret", "--manifest-path", manifest])
    return target / "release" / "egret"


def build(command: list[str]) -> None:
    # stdout is for figures.
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
