"""Selection and decontamination against their peers: `python benchmarks/selection.py [ROWS] [SIZE]` (20,000 and 2,000).

Rows of some 620 bytes, English and Chinese, a fifth of them edits of others. Prints processor seconds, and in the same
run those of:

    selection by compression    the loop of the authors' code of ZIP, which compresses all that is selected anew with
                                every candidate; on a tenth of the rows, with a tenth of its K1
    selection by overlap        k-center greedy over scikit-learn's TF-IDF, a sparse product a row; where it is not
                                installed, plain Python sets on a tenth of the rows
    decontamination             lm-evaluation-harness's Janitor, GPT-3's 13-grams, on English rows, for it splits at
                                spaces; where it is not installed, 13-grams as tuples in a set
    the limit of the latter     tokenising the rows, and doing nothing with them

`pip install scikit-learn lm-eval` installs the peers. Five times the rows are searched against half as many entries.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import resource
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

from novelty import instructions

from studio.alpaca.rows import Sft
from studio.curate.selecting.contamination import GRAM, Benchmark, Entry
from studio.curate.selecting.diversity import ZIP, Widths, by_compression, by_overlap
from studio.text.tokens import tokenize

SMALL = Widths(1000, 60, 30)
LEAKED = 50
_BATCH = 2000


def texts(seed: int, languages: Sequence[str] = ("en", "zh")) -> Iterator[str]:
    sources = [instructions(language, seed + number) for number, language in enumerate(languages)]
    for source in itertools.cycle(sources):
        yield "\n".join(itertools.islice(source, 6))


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def told(name: str, ours: float, theirs: float = 0.0) -> None:
    ratio = f"{theirs / ours:8.1f} times ours" if theirs else ""
    print(f"  {name:58}{theirs or ours:9.2f} s{ratio}")


# -- compression -------------------------------------------------------------------------------------


def ratio(group: Sequence[str]) -> float:
    raw = "\n".join(group).encode()
    return len(raw) / len(zlib.compress(raw, 9))


def zip_reference(rows: Sequence[str], size: int, widths: Widths) -> list[int]:
    """The bookkeeping of the authors' ZIP.py with its faults."""
    score = [ratio([text]) for text in rows]
    selected: list[int] = []
    while len(selected) < size:
        said = [rows[one] for one in selected]
        near = sorted(range(len(rows)), key=score.__getitem__)[: widths.asked]
        for row in near:
            score[row] = ratio([*said, rows[row]])
        pool = sorted(near, key=score.__getitem__)[: widths.pool]
        for row in pool:
            score[row] = 1e6
        group: list[int] = []
        for _ in range(widths.taken):
            said = [rows[one] for one in group]
            group.append(min((row for row in pool if row not in group), key=lambda row: ratio([*said, rows[row]])))
        selected += group
    return selected


def compression(rows: Sequence[str], size: int) -> None:
    print(f"by compression, {size:,} of {len(rows):,}")
    few, fewer = rows[: len(rows) // 10], size * 3 // 20
    ours, found = seconds(lambda: selected(by_compression(enumerate(few), fewer, widths=SMALL)))
    told(f"ours, {fewer:,} of {len(few):,}, widths {tuple(SMALL)}", ours)
    theirs, others = seconds(lambda: zip_reference(few, fewer, SMALL))
    told(f"the authors' loop: {len(others)} rows, {len(set(others))} of them different", ours, theirs)
    whole, found = seconds(lambda: selected(by_compression(enumerate(rows), size)))
    told(f"ours, all rows, widths {tuple(ZIP)}", whole)
    ratios = ratio([rows[row] for row in sorted(found)]), ratio(rows[:size])
    print(f"  {'compression ratio of the selection, of as many first rows':58}{ratios[0]:9.3f}, {ratios[1]:.3f}")


# -- overlap -----------------------------------------------------------------------------------------


def k_center_tfidf(rows: Sequence[str], size: int) -> list[int]:
    """k-center greedy (Sener and Savarese 2018) by cosine of TF-IDF, over the same tokens."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(tokenizer=tokenize, token_pattern=None, lowercase=False).fit_transform(rows)
    nearest = np.zeros(len(rows))
    chosen: list[int] = []
    for _ in range(size):
        best = int(nearest.argmin())
        chosen.append(best)
        np.maximum(nearest, (vectors @ vectors[best].T).toarray().ravel(), out=nearest)
        nearest[best] = np.inf
    return chosen


def k_center_sets(rows: Sequence[str], size: int) -> list[int]:
    sets = [frozenset(tokenize(text)) for text in rows]
    nearest = dict.fromkeys(range(len(rows)), 0.0)
    chosen: list[int] = []
    for _ in range(size):
        best = min(nearest, key=nearest.__getitem__)
        del nearest[best]
        chosen.append(best)
        for row, known in nearest.items():
            alike = 2 * len(sets[row] & sets[best]) / (len(sets[row]) + len(sets[best]))
            nearest[row] = max(known, alike)
    return chosen


def overlap(rows: Sequence[str], size: int) -> None:
    print(f"by overlap, {size:,} of {len(rows):,}")
    ours, found = seconds(lambda: selected(by_overlap(enumerate(rows), size)))
    told("ours", ours)
    different, first = (len({token for row in some for token in tokenize(rows[row])}) for some in (found, range(size)))
    print(f"  {'different tokens in the selection, in as many first rows':58}{different:9,}, {first:,}")
    try:
        import sklearn
    except ImportError:
        few, fewer = rows[: len(rows) // 10], size // 10
        ours, _ = seconds(lambda: selected(by_overlap(enumerate(few), fewer)))
        theirs, _ = seconds(lambda: k_center_sets(few, fewer))
        told(f"plain Python sets, {fewer:,} of {len(few):,}", ours, theirs)
    else:
        theirs, _ = seconds(lambda: k_center_tfidf(rows, size))
        told(f"k-center greedy on TF-IDF of scikit-learn {sklearn.__version__}", ours, theirs)


# -- decontamination ---------------------------------------------------------------------------------


def contaminated(entries: Sequence[str], rows: Sequence[str]) -> set[int]:
    benchmark = Benchmark()
    for number, text in enumerate(entries, start=1):
        benchmark.add(Entry("benchmark", number), {"question": text})
    found: set[int] = set()
    for begin in range(0, len(rows), _BATCH):
        batch = enumerate(rows[begin : begin + _BATCH], start=begin)
        found |= {hit.row for hit in benchmark.overlaps((row, Sft("", "", text)) for row, text in batch)}
    return found


def janitor(entries: Sequence[str], rows: Sequence[str]) -> set[int]:
    # It complains at length that its C++ was not compiled.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from lm_eval.decontamination.janitor import Janitor
    clean = Janitor(ngram_n=GRAM, too_dirty_cutoff=0)
    for text in entries:
        clean.register_contaminant_python(text)
    # A row with one 13-gram is too dirty already: nothing of it is left.
    return {row for row, text in enumerate(rows) if not clean.clean_python(text + " ." * 200)}


def tuples(entries: Sequence[str], rows: Sequence[str]) -> set[int]:
    def grams(text: str) -> Iterator[tuple[str, ...]]:
        tokens = tokenize(text)
        return zip(*(tokens[step:] for step in range(GRAM)), strict=False)

    known = {gram for text in entries for gram in grams(text)}
    return {row for row, text in enumerate(rows) if any(gram in known for gram in grams(text))}


def leaked(rows: list[str], entries: Sequence[str]) -> None:
    """Every fiftieth row holds an entry."""
    for place in range(0, len(rows), LEAKED):
        entry = entries[place % len(entries)]
        rows[place] = f"{rows[place][:200]} {entry} {rows[place][200:]}"


def decontamination(n: int, of: int) -> None:
    for languages in (("en", "zh"), ("en",)):
        rows = list(itertools.islice(texts(40, languages), n))
        entries = [text.replace("\n", " ")[:300] for text in itertools.islice(texts(80, languages), of)]
        leaked(rows, entries)
        print(f"decontamination, {n:,} rows against {of:,} entries, {' and '.join(languages)}")
        ours, found = seconds(lambda: contaminated(entries, rows))  # noqa: B023
        told(f"ours, {len(found):,} rows found", ours)
        theirs, _ = seconds(lambda: sum(len(tokenize(text)) for text in rows))  # noqa: B023
        told("the limit: tokenising the rows", ours, theirs)
    name, peer = "lm-evaluation-harness's Janitor", janitor
    if find_spec("lm_eval") is None:
        name, peer = "13-grams as tuples (lm-eval is not installed)", tuples
    theirs, others = seconds(lambda: peer(entries, rows))
    told(f"{name}, {len(others):,} rows found", ours, theirs)


def selected(steps: Iterator[int | None]) -> list[int]:
    return [row for row in steps if row is not None]


def main() -> None:
    n, size = (int(word) for word in (*sys.argv[1:], *("20000", "2000")[len(sys.argv) - 1 :]))
    rows = list(itertools.islice(texts(7), n))
    overlap(rows, size)
    decontamination(5 * n, n // 2)
    compression(rows, size)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
