"""Work on all processors: the results of a plain loop, and no process that outlives its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.jobs import processes
from studio.jobs.processes import HERE, spread


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 2)


def doubled(number):
    return 2 * number


def pid_of(_):
    return os.getpid()


def refused(number, at):
    if number == at:
        raise ValueError(f"not {number}")
    return number


def killed(number):
    if number == HERE + 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("batches", [0, 1, HERE, HERE + 1, HERE + 2, HERE + 3, HERE + 20])
def test_results_come_in_order(batches):
    assert list(spread(doubled, range(batches))) == [2 * number for number in range(batches)]


def test_few_batches_stay_here_and_many_are_shared():
    assert set(spread(pid_of, range(HERE + 1))) == {os.getpid()}
    assert len(set(spread(pid_of, range(HERE + 4)))) == 3


def test_one_processor_is_left_alone(monkeypatch):
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 1)
    assert set(spread(pid_of, range(HERE + 20))) == {os.getpid()}


def test_batches_are_taken_as_they_are_needed():
    taken = []
    with closing(spread(doubled, (taken.append(number) or number for number in range(1000)))) as results:
        for _ in range(HERE + 3):
            next(results)
    assert len(taken) < HERE + 10
    assert children() == []


def test_what_the_work_raises_is_raised_here():
    with pytest.raises(ValueError, match="not 1"):
        list(spread(partial(refused, at=1), range(HERE)))
    with pytest.raises(RuntimeError, match=f"ValueError: not {HERE + 5}"):
        list(spread(partial(refused, at=HERE + 5), range(HERE + 20)))
    assert children() == []


def test_a_screen_that_has_taken_standard_error_is_no_hindrance(monkeypatch):
    class Taken:
        def fileno(self):
            return -1

    monkeypatch.setattr(sys, "stderr", Taken())
    assert list(spread(doubled, range(HERE + 4))) == [2 * number for number in range(HERE + 4)]


def test_a_killed_process_is_an_error_of_ours():
    with pytest.raises(StudioError, match="was killed"):
        list(spread(killed, range(HERE + 20)))
    assert children() == []


WORKING = """
import os
import time
from studio.jobs.processes import HERE, spread
from tests.jobs.test_processes import pid_of

if __name__ == "__main__":
    for pid in spread(pid_of, range(HERE + 4)):
        print(pid, flush=True)
        if pid != os.getpid():
            time.sleep(60)
"""


def test_no_process_outlives_a_kill(tmp_path):
    script = tmp_path / "working.py"
    script.write_text(WORKING)
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=path) as running:
        assert running.stdout is not None
        helper = next(pid for line in running.stdout if (pid := int(line)) != running.pid)
        running.kill()
    end = time.monotonic() + 20
    while alive(helper):
        assert time.monotonic() < end
        time.sleep(0.05)


def children():
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
