"""Semantic neighbours against bare products: `python benchmarks/semantic.py [ROWS ...]` (default 20,000 100,000).

Random unit vectors of 384 dimensions, English or Chinese alike; every hundredth is one before it, a little turned, so
that there is something to find. In one run, in turns, medians: all pairs of a cosine of 0.85 and more with their
scores; and the bare `vectors @ vectors.T` in single precision, by blocks of the same size, whose products nobody looks
at. The bare one multiplies each pair twice, as written; half of it is the least that any exact search can do with
products. Then the ten nearest of one vector, and the same as one bare product with a matrix in single precision.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from studio.curate.duplicates.semantic import nearest, neighbours, unit

WIDTH = 384
THRESHOLD = 0.85
BLOCK = 2048, 1024


def vectors(count: int, seed: int = 7) -> np.ndarray:
    luck = np.random.default_rng(seed)
    found = luck.standard_normal((count, WIDTH), dtype=np.float32)
    turned = np.arange(100, count, 100)
    found[turned] = found[turned - 37] + luck.uniform(0.1, 1.0, (len(turned), 1)).astype("f4") * found[turned]
    return unit(found)


def bare(singles: np.ndarray) -> None:
    rows, columns = BLOCK
    space = np.empty(BLOCK, np.float32)
    for start in range(0, len(singles), rows):
        left = singles[start : start + rows]
        for place in range(0, len(singles), columns):
            right = singles[place : place + columns]
            np.matmul(left, right.T, out=space[: len(left), : len(right)])


def search(halves: np.ndarray) -> int:
    return sum(len(score) for _, _, score in neighbours(halves, THRESHOLD, rows=BLOCK[0], columns=BLOCK[1]))


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Of the clock on the wall, and of the processor."""
    wall, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - used


def measure(count: int, rounds: int) -> None:
    halves = vectors(count)
    tracemalloc.start()
    pairs = search(halves)
    grown = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    singles = halves.astype(np.float32)
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(seconds(lambda: bare(singles)))
        ours.append(seconds(lambda: search(halves)))
    wall, cpu = (statistics.median(run[clock] for run in ours) for clock in (0, 1))
    bare_wall, bare_cpu = (statistics.median(run[clock] for run in theirs) for clock in (0, 1))
    print(f"{count:>9,} x {WIDTH}: {pairs:,} pairs of {THRESHOLD} and more, {grown:.0f} MB on top of the vectors")
    print(f"{'':9} {'':24}{'wall':>8}{'CPU':>8}")
    print(f"{'':9} {'neighbours':<24}{wall:>7.2f}s{cpu:>7.2f}s")
    print(f"{'':9} {'bare products, all':<24}{bare_wall:>7.2f}s{bare_cpu:>7.2f}s")
    print(f"{'':9} {'ours / bare':<24}{wall / bare_wall:>8.2f}{cpu / bare_cpu:>8.2f}  (half of the products: 0.5)")
    one = halves[count // 2]
    near = statistics.median(seconds(lambda: nearest(halves, one, THRESHOLD))[0] for _ in range(5))
    single = singles[count // 2]
    product = statistics.median(seconds(lambda: singles @ single)[0] for _ in range(5))
    print(f"{'':9} nearest of one {near * 1000:.1f} ms; one bare product {product * 1000:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="*", default=[20_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    for count in asked.rows:
        measure(count, asked.rounds if count <= 20_000 else 1)


if __name__ == "__main__":
    main()
