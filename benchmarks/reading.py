"""Reading dataset files against their limits: `python benchmarks/reading.py [ROWS] [--rounds N]` (1,000,000 and 3).

The same alpaca rows as JSON Lines and as one JSON array, read by the studio and by what it is measured against:

    typed lines, a bare loop of orjson a line that looks at the type of every field
    the rules of structure on top of either
    the array, orjson.loads of the whole file
    every rule, the rules of structure
    the array, datasets.load_dataset

Each run is a process of its own, which times the work and not its imports; runs take turns, medians are printed.
Where something else uses the machine, trust the ratios of processor time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import rows
from importing import write_array

from studio.alpaca.checks import RULES, STRUCTURE, checker
from studio.alpaca.rows import COLUMNS, Sft, array_decoder, one_decoder
from studio.store.files.blocks import Decoder
from studio.store.files.readers import read

DECODER = Decoder(one_decoder("sft"), array_decoder("sft"))
TEXTS = COLUMNS["sft"][:4]
PEAK_GOAL = 60


def studio_rows(file: Path) -> Iterator[Any]:
    for block in read(file, DECODER):
        yield from block.values


def studio_read(file: Path, _: Path) -> int:
    return sum(len(block.values) for block in read(file, DECODER))


def studio_structure(file: Path, _: Path) -> int:
    check, n = checker(STRUCTURE), 0
    for row in studio_rows(file):
        check(row)
        n += 1
    return n


def studio_rules(file: Path, _: Path) -> int:
    check, n = checker(RULES), 0
    for row in studio_rows(file):
        check(row)
        n += 1
    return n


def has_types(obj: dict[str, Any]) -> bool:
    """The least that Python code must look at to know what a typed row knows."""
    for name in TEXTS:
        value = obj.get(name)
        if value is not None and type(value) is not str:
            return False
    history = obj.get("history")
    return history is None or type(history) is list


def bare_loop(file: Path, _: Path) -> int:
    n = 0
    with file.open("rb") as lines:
        for line in lines:
            n += has_types(orjson.loads(line))
    return n


def bare_structure(file: Path, _: Path) -> int:
    check, n = checker(STRUCTURE), 0
    with file.open("rb") as lines:
        for line in lines:
            obj = orjson.loads(line)
            if has_types(obj):
                check(Sft(**obj))
                n += 1
    return n


def whole_array(file: Path, _: Path) -> int:
    return len(orjson.loads(file.read_bytes()))


def load_dataset(file: Path, cache: Path) -> int:
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(cache))
    return len(loaded)


JOBS: dict[str, tuple[Callable[[Path, Path], int], str]] = {
    "studio, lines": (studio_read, "rows.jsonl"),
    "orjson a line, typed": (bare_loop, "rows.jsonl"),
    "studio, lines, structure": (studio_structure, "rows.jsonl"),
    "orjson a line, structure": (bare_structure, "rows.jsonl"),
    "studio, lines, every rule": (studio_rules, "rows.jsonl"),
    "studio, array": (studio_read, "rows.json"),
    "orjson.loads of the array": (whole_array, "rows.json"),
    "datasets.load_dataset": (load_dataset, "rows.json"),
}
RATIOS = (
    ("lines, typed fields", "studio, lines", "orjson a line, typed", 1.1),
    ("lines, rules of structure", "studio, lines, structure", "orjson a line, structure", 1.1),
    ("every rule / structure", "studio, lines, every rule", "studio, lines, structure", 4.0),
    ("array", "studio, array", "orjson.loads of the array", 0.7),
    ("array / load_dataset", "studio, array", "datasets.load_dataset", 1 / 8),
)


def run_here(job: str, folder: Path) -> None:
    """One run in this process; prints seconds, rows and the peak memory in megabytes."""
    work, name = JOBS[job]
    if work is load_dataset:
        import datasets  # noqa: F401  # its import is not what is measured
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        start, used = time.perf_counter(), time.process_time()
        n = work(folder / name, Path(cache))
        seconds, cpu = time.perf_counter() - start, time.process_time() - used
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": n, "peak": peak_memory()}))


def peak_memory() -> float:
    """Of this process alone: what getrusage says includes the parent's before exec."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def run_child(job: str, folder: Path, number: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--job", job, "--folder", str(folder)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1])
    assert said["rows"] == number, (job, said)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        run_here(asked.job, asked.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows.write(folder / "rows.jsonl", asked.rows)
        write_array(folder / "rows.jsonl", folder / "rows.json")
        size = (folder / "rows.json").stat().st_size
        print(f"{asked.rows:,} rows, {size / 1e6:,.0f} MB, medians of {asked.rounds}")
        runs: dict[str, list[dict[str, float]]] = {job: [] for job in JOBS}
        for _ in range(asked.rounds):
            for job, found in runs.items():
                found.append(run_child(job, folder, asked.rows))
    report(runs, asked.rows, size)


def report(runs: dict[str, list[dict[str, float]]], number: int, size: int) -> None:
    def median(job: str, what: str) -> float:
        return statistics.median(run[what] for run in runs[job])

    peaks = {job: max(run["peak"] for run in found) for job, found in runs.items()}
    for job in runs:
        took = median(job, "seconds")
        rate = f"{number / took:>12,.0f} rows/s {size / took / 1e6:>6,.0f} MB/s"
        print(f"  {job:<28}{took:>8.2f} s {rate} {peaks[job]:>8,.0f} MB at most")
    print(f"\n  {'':<28}{'wall':>8}{'CPU':>8}{'goal':>8}")
    for title, ours, theirs, goal in RATIOS:
        wall, cpu = (median(ours, what) / median(theirs, what) for what in ("seconds", "cpu"))
        print(f"  {title:<28}{wall:>8.3f}{cpu:>8.3f}{goal:>8.3f}  {'held' if wall <= goal else 'NOT HELD'}")
    peak = peaks["studio, array"]
    held = "held" if peak < PEAK_GOAL else "NOT HELD"
    print(f"  {'array, peak memory in MB':<28}{peak:>8.0f}{'':>8}{PEAK_GOAL:>8}  {held}")


if __name__ == "__main__":
    main()
