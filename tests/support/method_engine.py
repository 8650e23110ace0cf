"""A small engine of methods in memory, for tests of one method: lanes, turns, a ledger, kills; no clock and no disk.

    project = Project(rows)            what is on disk: rows, answers, paid replies
    Start(method, project, chat, settings, lanes=8, luck=Random(1)).run()

One start after another over the same project is what a person sees who stops a run and goes on with it.

    asks, result = driven(method.attempt(task, start), ["what is said first", Said("then", "length")])

One attempt is driven by hand.
"""

from __future__ import annotations

import heapq
from random import Random

from msgspec.structs import replace

from studio.alpaca.stored import StoredRow
from studio.errors import BudgetError, ModelError, PassingError, RefusedError
from studio.llm.chat import Reply, Request
from studio.methods.asking import Answer, Ask, OfRun, Said

RUN = 1


class Killed(BaseException):
    """The process is gone."""


class Project:
    """What is kept. asked: every request that was paid for, in order. touched: rows that came or were decided on."""

    def __init__(self, rows):
        self.rows = {stored.id: stored for stored in rows}
        self.briefs, self.values, self.ledger, self.asked = {}, {}, {}, []
        self.touched = []

    @property
    def last_id(self):
        return max(self.rows, default=0)

    def add(self, row, **fields):
        """A row, with the state and lineage it is given; its id."""
        row_id = self.last_id + 1
        unknown = dict.fromkeys(set(StoredRow.__struct_fields__[:19]) - {"id", "type", "row"})
        usual = {"type": "sft", "status": "pending", "seed": False, "generated": True}
        self.rows[row_id] = StoredRow(id=row_id, row=row, **(unknown | usual | fields))
        self.touched.append(range(row_id, row_id + 1))
        return row_id

    def decide(self, row_id, **fields):
        """What a person does to a row."""
        self.rows[row_id] = replace(self.rows[row_id], **fields)
        self.touched.append(range(row_id, row_id + 1))

    def made(self):
        return [stored for stored in self.rows.values() if stored.run == RUN]


class Look:
    """The `methods.asking.Look` of a project."""

    def __init__(self, project):
        self._project, self._seen = project, len(project.touched)
        self.rows = self

    def get(self, row_id):
        return self._project.rows.get(row_id)

    def page(self, ids):
        return [self._project.rows[row_id] for row_id in ids if row_id in self._project.rows]

    def accepted(self, type):
        return sorted(one.id for one in self._project.rows.values() if one.status == "accepted" and one.type == type)

    def head(self, root, before):
        made = [one for one in self._project.made() if one.root == root and one.round < before]
        standing = [one for one in made if one.status != "rejected"]
        return max(standing, key=lambda one: (one.round, one.variant), default=None)

    def seeds(self):
        rows = self._project.rows.values()
        return sorted(one.id for one in rows if one.seed and one.status != "rejected" and one.type == "sft")

    def tasks_among(self, ids):
        rows = self._project.rows.values()
        return sorted(one.id for one in rows if one.id in ids and (one.seed or one.generated) and one.type == "sft")

    def of_run(self):
        return [
            OfRun(
                one.id, one.parent, one.root, one.round, one.variant, one.operation, one.status == "rejected", one.rule
            )
            for one in sorted(self._project.made(), key=lambda one: one.id)
        ]

    def answers(self):
        return [Answer(key, brief, self._project.values.get(key)) for key, brief in self._project.briefs.items()]

    def touched(self):
        found, self._seen = self._project.touched[self._seen :], len(self._project.touched)
        return found


class Start:
    """One start of a run, as its method sees it, and the engine of it.

    chat: from a Request to a text, a Reply or an error. profile: of every role, or by role. own: prompt sets in place
    of the shipped ones, from a language and a profile. luck: which of the requests in flight is answered next.
    kill_at: the moment, counted in notes, replies and results, at which the process dies. attended: what dooms every
    request takes its attempt back and pauses: nothing begins until what is in flight has ended, then resumed is called.
    kept: called with each task and result that is kept. events: (what, key, result) of all that ended.
    """

    id = RUN

    def __init__(self, method, project, chat, settings, *, lanes=1, luck=None, **chosen):
        self.method, self.project, self.settings, self.lanes = method, project, settings, lanes
        self.kill_at, self.attended = chosen.get("kill_at", -1), chosen.get("attended", False)
        self.kept, self.resumed = chosen.get("kept", _nothing), chosen.get("resumed", _nothing)
        self._profile, self._own = chosen.get("profile", "standard"), chosen.get("own", method.prompts.load)
        self._chat, self._luck = chat, luck or Random(0)
        self.look, self.state, self.events, self.counts = Look(project), None, [], {}
        self.flying, self.returned, self.held, self.turns = set(), set(), {}, []
        self._over, self._begun, self._taken_back = set(project.values), {}, []
        self._active, self._heard, self._doom, self._paused = [], {}, None, False
        self.state = method.open(self)
        self._tasks = method.tasks(self)

    # -- for the method ------------------------------------------------------------------------------

    def profile(self, role):
        return self._profile if isinstance(self._profile, str) else self._profile[role]

    def prompts(self, role, language):
        return self._own(language, self.profile(role))

    def note(self, tasks):
        for task in tasks:
            self.project.briefs.setdefault(task.key, task.brief)
        self._tick()

    # -- the engine ----------------------------------------------------------------------------------

    def run(self):
        """Until nothing may begin and nothing is in flight. Raises what doomed it."""
        while True:
            while len(self._active) < self.lanes and (task := self._take()) is not None:
                self._advance(task, self.method.attempt(task, self), None)
            if not self._active:
                if not self._paused:
                    break
                self._paused = False
                self.resumed()
                continue
            task, attempt, asks = self._active.pop(self._luck.randrange(len(self._active)))
            try:
                said = tuple(self._answer(ask, task) for ask in ((asks,) if isinstance(asks, Ask) else asks))
            except ModelError as error:
                self._fail(task, attempt, error)
            except BudgetError as error:
                self._fail(task, attempt, error)
            else:
                self._advance(task, attempt, said[0] if isinstance(asks, Ask) else said)
        if self._doom:
            raise self._doom
        return self

    def change(self, **settings):
        """Settings changed meanwhile."""
        self.settings = replace(self.settings, **settings)
        self._tasks = self.method.tasks(self)

    def _take(self):
        if self._doom or self._paused:
            return None
        self._read()
        if not self.method.goes_on(self):
            return None
        if self._taken_back:
            _, task = heapq.heappop(self._taken_back)
            self.returned.discard(task.key)
        else:
            task = next(self._tasks, None)
            while task is not None and (task.key in self._over or task.key in self._begun):
                task = next(self._tasks, None)
            if task is None:
                return None
            self._begun[task.key] = len(self._begun) + len(self._over)
            if task.turn:
                self.turns.append(task.key)
        self.flying.add(task.key)
        return task

    def _advance(self, task, attempt, said):
        try:
            asks = next(attempt) if said is None else attempt.send(said)
        except StopIteration as stop:
            self.flying.discard(task.key)
            if task.turn:
                self.held[task.key], self._heard[task.key] = stop.value, task
                self._read()
            else:
                self._keep(task, stop.value)
        except ModelError as error:
            self._fail(task, attempt, error)
        else:
            self._active.append((task, attempt, asks))

    def _read(self):
        while self.turns and self.turns[0] in self.held and self.method.reads(self):
            key = self.turns[0]
            self._keep(self._heard.pop(key), self.held[key])

    def _answer(self, ask, task):
        request = request_of(ask, task)
        if (reply := self.project.ledger.get(request.key())) is None:
            self.project.asked.append(request)
            reply = self._chat(request)
            if isinstance(reply, Exception):
                raise reply
            if isinstance(reply, str):
                reply = Said(reply, by="fake")
            elif isinstance(reply, Reply):
                tokens = reply.usage.completion_tokens
                reply = Said(reply.text, reply.finish_reason, reply.thinking, tokens, "fake")
            self.project.ledger[request.key()] = reply
        self._tick()
        return reply

    def _fail(self, task, attempt, error):
        attempt.close()
        self.flying.discard(task.key)
        if isinstance(error, PassingError | RefusedError):
            self.events.append(("refused" if isinstance(error, RefusedError) else "failed", task.key, None))
            del self._begun[task.key]
            self._over.add(task.key)
            if task.turn:
                self.turns.remove(task.key)
            return
        heapq.heappush(self._taken_back, (self._begun[task.key], task))
        self.returned.add(task.key)
        self._paused = self.attended
        if not self.attended:
            self._doom = self._doom or error

    def _keep(self, task, result):
        project, first = self.project, self.project.last_id + 1
        result = self.method.fold(self, task, result, first)
        if not result.left:
            for made in result.rows:
                self._store(made)
            project.briefs.setdefault(task.key, None)
            project.values[task.key] = result.value
        self.events.append(("left" if result.left else "kept", task.key, result))
        for name, n in result.counts.items():
            self.counts[name] = self.counts.get(name, 0) + n
        if task.turn:
            self.turns.remove(task.key)
            del self.held[task.key]
        self._begun.pop(task.key, None)
        self._over.add(task.key)
        if result.left:
            self._tasks = self.method.tasks(self)
        self._tick()
        self.kept(task, result)

    def _store(self, made):
        status = "pending" if made.rule is None else "rejected"
        fields = {name: getattr(made, name) for name in ("operation", "rule", "evidence")}
        if made.completes:
            stored = self.project.rows[made.completes]
            self.project.rows[made.completes] = replace(stored, row=made.row, status=status, **fields)
            return
        lineage = {name: getattr(made, name) for name in ("parent", "root", "round", "variant")}
        self.project.add(made.row, status=status, run=RUN, **fields, **lineage)

    def _tick(self):
        self.kill_at -= 1
        if self.kill_at == 0:
            raise Killed


def driven(attempt, answers=None):
    """What an attempt asks, and what becomes of it, when it is answered so: with texts, whole Saids, or errors; with
    the likely answers where none are given.
    """
    asks, left = [], list(answers or ())
    try:
        ask = next(attempt)
        while True:
            asks.append(ask)
            said = ask.likely if answers is None else left.pop(0)
            if isinstance(said, Exception):
                ask = attempt.throw(said)
            else:
                ask = attempt.send(Said(said, tokens=9, by="fake") if isinstance(said, str) else said)
    except StopIteration as stop:
        assert not left, f"never asked for: {left}"
        return asks, stop.value


def request_of(ask, task, model="fake"):
    """The request that an Ask means."""
    return Request(
        model=model,
        messages=ask.messages,
        temperature=ask.sampling.temperature,
        top_p=ask.sampling.top_p,
        max_tokens=ask.sampling.max_tokens,
        stop=ask.sampling.stop,
        response_format=ask.sampling.response_format,
        sample=ask.sample + task.variant * 1_000_000_000,
        presence_penalty=ask.sampling.presence_penalty,
        frequency_penalty=ask.sampling.frequency_penalty,
    )


def _nothing(*_):
    pass
