"""Near-duplicates beside their peers: `python benchmarks/near_duplicates.py [ROWS ...]` (default 10,000 100,000).

Rows come from benchmarks/corpus.py, with known truth. In one run for each size: the studio's search by overlap at 0.75
(terms, exact join, scores), rensa's MinHash LSH with its pairs verified (5-grams of characters in lower case, 128
permutations, 16 bands, estimated Jaccard >= 0.6), and datasketch's MinHashLSH (words, 0.7). Prints seconds, the peak of
memory, the precision of pairs, recall (near-duplicates joined to the rows of their base), the ratios wanted. Each runs
in a process of its own. Peers need `pip install ".[bench]"`; one that is not installed is left out. Then two sets of
one template: 50,000 rows that are all alike without being duplicates, and 50,000 that all are.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from corpus import corpus, repeated, templated

THRESHOLD = 0.75
# How many times faster, precision and recall from so many rows on, MB: issue and performance.md, part 1.
WANTED = {100_000: ({"rensa": 2, "datasketch": 8}, 0.99, 0.98, 500), 1_000_000: ({"rensa": 5}, 0.97, 0.975, 2500)}
Pairs = Iterable[tuple[int, int]]


def studio(texts: Sequence[str]) -> Pairs:
    from studio.curate.duplicates.finding import Texts

    search = Texts(texts).overlap(THRESHOLD)
    while True:
        try:
            next(search)
        except StopIteration as end:
            found = end.value
            return zip(found.left.tolist(), found.right.tolist(), strict=True)


def rensa(texts: Sequence[str]) -> Pairs:
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=0.6, num_perm=128, num_bands=16)
    signed = []
    for number, text in enumerate(map(str.lower, texts)):
        one = RMinHash(num_perm=128, seed=42)
        one.update([text[at : at + 5] for at in range(max(1, len(text) - 4))])
        lsh.insert(number, one)
        signed.append(one)
    return [
        (other, number)
        for number, one in enumerate(signed)
        for other in lsh.query(one)
        if other < number and one.jaccard(signed[other]) >= 0.6
    ]


def datasketch(texts: Sequence[str]) -> Pairs:
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=0.7, num_perm=128)
    found = []
    words = ([word.encode() for word in set(text.lower().split())] for text in texts)
    for number, one in enumerate(MinHash.generator(words, num_perm=128)):
        found += [(other, number) for other in lsh.query(one)]
        lsh.insert(number, one)
    return found


PEERS: dict[str, Callable[[Sequence[str]], Pairs]] = {"studio": studio, "rensa": rensa, "datasketch": datasketch}


def judged(pairs: list[tuple[int, int]], bases: Sequence[int]) -> tuple[float, float]:
    """Precision of the pairs, and the share of near-duplicates that they join to the rows of their base."""
    lowest = list(range(len(bases)))

    def find(row: int) -> int:
        while lowest[row] != row:
            lowest[row] = row = lowest[lowest[row]]
        return row

    for left, right in pairs:
        if bases[left] == bases[right]:
            lowest[find(left)] = find(right)
    alike = defaultdict(list)
    for row, base in enumerate(bases):
        alike[base].append(row)
    groups = [rows for rows in alike.values() if len(rows) > 1]
    joined = sum(max(Counter(map(find, rows)).values()) - 1 for rows in groups)
    right = sum(bases[left] == bases[right] for left, right in pairs)
    return right / max(len(pairs), 1), joined / sum(len(rows) - 1 for rows in groups)


def measure(name: str, rows: int, language: str, kind: str) -> None:
    """One search, in this process: figures as JSON."""
    made = corpus(rows, language) if kind == "corpus" else None
    texts = made.texts if made else {"templated": templated, "repeated": repeated}[kind](rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    pairs = list(PEERS[name](texts))
    seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    precision, recall = judged(pairs, made.bases) if made else (0.0, 0.0)
    print(json.dumps([seconds, megabytes, len(pairs), precision, recall, before / 1024]))


def run(name: str, rows: int, language: str = "en", kind: str = "corpus") -> list[float] | None:
    command = [sys.executable, __file__, "--one", name, kind, language, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No module named" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--language", choices=["en", "zh"], default="en")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, kind, language, rows = options.one
        return measure(name, int(rows), language, kind)
    ours: dict[int, float] = {}
    for rows in options.rows:
        faster, precise, complete, most = WANTED.get(rows, ({}, 0.0, 0.0, 0))
        for name in PEERS:
            if name == "datasketch" and rows > 100_000:
                continue
            found = run(name, rows, options.language)
            if found is None:
                print(f"{rows:>9,} {name:<10} is not installed")
                continue
            seconds, megabytes, pairs, precision, recall, _ = found
            if name == "studio":
                ours[rows] = seconds
                told = f"   wanted {precise} {complete} {most:,} MB" if most else ""
            else:
                told = f"   {seconds / ours[rows]:.1f} times ours" + (
                    f", wanted {faster[name]}" if name in faster else ""
                )
            print(
                f"{rows:>9,} {name:<10} {seconds:8.2f} s {megabytes:7,.0f} MB {pairs:>9,} pairs   "
                f"precision {precision:.4f}  recall {recall:.4f}{told}",
                flush=True,
            )
    if len(ours) > 1:
        import math

        low, high = min(ours), max(ours)
        growth = (ours[high] / ours[low]) / (high * math.log(high) / (low * math.log(low)))
        print(f"from {low:,} to {high:,} rows: {growth:.2f} times n log n, wanted at most 1.3")
    for kind in ("templated", "repeated"):
        found = run("studio", 50_000, kind=kind)
        assert found is not None
        print(f"   50,000 {kind:<10} {found[0]:8.2f} s {found[1]:7,.0f} MB {found[2]:>9,.0f} pairs")


if __name__ == "__main__":
    main()
