"""Projects of schema 9 opened by the studio of today: each method cut off midway, and nothing of it lost."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest

from studio.alpaca.rows import Sft
from studio.errors import ProjectError
from studio.methods import identity
from studio.methods.asking import Answer
from studio.methods.identity import Asked
from studio.store import database as databases
from studio.store.answers import Answers
from studio.store.database import Database
from studio.store.journal import Change, Journal
from studio.store.look import ProjectLook
from studio.store.migrations import MIGRATIONS
from studio.store.rows import Generated, Rows
from studio.store.runs import Runs
from studio.store.upgrades import identities

# As the studio of schema 9 wrote them.
_SAMPLED = '"sampling":{{"en":{0},"zh":{0}}}'
_WARM = _SAMPLED.format('{"max_tokens":2048,"temperature":0.6,"top_p":0.95}')
_COLD = _SAMPLED.format('{"max_tokens":2048,"temperature":0.0,"top_p":1.0}')
_ROLE = '{{"model":"fake","profile":"standard","prompts":{{"en":"915dd2b6094d6e9c","zh":"7ee9eca3c0cafe0f"}},{}}}'
EVOL = (
    f'{{"roles":{{"answerer":{_ROLE.format(_WARM)},"judge":{_ROLE.format(_COLD)},'
    f'"teacher":{_ROLE.format(_WARM)}}},"seed":42}}'
)
EVOL_DIGEST = "27c4d69f4ad0ff9c3d340c87b994e92c"
INSTRUCT = (
    '{"added":["歌"],"answerer":{"model":"t","profile":"standard","prompts":"7e0a645f45d5bb5f"},"batch":5,'
    '"language":"zh","listing":[0.9,0.5,1024,0.0,2.0,["\\n\\n","\\n16","16.","16 ."],["\\n16."]],"seed":42,'
    '"teacher":{"model":"t","profile":"standard","prompts":"7e0a645f45d5bb5f"},"thinking":"keep","threshold":0.7,'
    '"variant":"paper"}'
)
INSTRUCT_DIGEST = "ced1d21f1db1b363c09bee23abcea3b1"
SETUP = '{"language":"zh","positions":3,"samples":20,"seed":42,"size":25,"task":"kv"}'
PROBE = f'{{"max_tokens":107,"model":"t","profile":"small","prompts":"5a49b5903a3f9dd9","setup":{SETUP}}}'
PROBE_DIGEST = "247c780ddb8566020d59d3860b01bd0b"
SHOWN = '[{"row":2,"instruction":"绳","input":"i"},{"row":1,"instruction":"a"}]'


class Old:
    """A project of schema 9: three seed tasks, and what a test does to it."""

    def __init__(self, path, monkeypatch):
        with monkeypatch.context() as then:
            then.setattr(databases, "MIGRATIONS", MIGRATIONS[:9])
            self.database = Database(path, writable=True)
        self.path, self.rows = path, Rows(self.database)
        with self.database.transaction():
            self.rows.add_imported([(b'{"instruction":"a"}', 0, None, None)] * 3, "sft", source=None, seed=True)

    def run(self, method, key, recipe):
        with self.database.transaction():
            return Runs(self.database).open(method, key, recipe)

    def row(self, run, root, round, operation="deepening", replies=("k",), rule=None, variant=0, parent=None):
        parent = root if parent is None else parent
        made = Generated("sft", Sft("b"), run, root, round, parent, operation, replies, rule, rule, variant)
        with self.database.transaction():
            return self.rows.add_generated(made)

    def draw(self, run, request, ended=1, reply="k", rule=None, evidence=None):
        self.database.connection.execute(
            "INSERT INTO draws VALUES (?, ?, ?, ?, ?, ?, ?)", (run, request, SHOWN, ended, reply, rule, evidence)
        )

    def probe(self, key, recipe, ended=None):
        probe = self.database.connection.execute(
            "INSERT INTO probes (digest, model, setup, recipe, at, ended) VALUES (?, 't', ?, ?, 'then', ?)",
            (key, SETUP, recipe, ended),
        ).lastrowid
        self.database.connection.executemany(
            "INSERT INTO probe_answers VALUES (?, ?, ?, ?, ?)",
            [(probe, 1, 0, 0, "c"), (probe, 0, 12, 0, "b"), (probe, 0, 0, 1, "a")],
        )

    def journal(self):
        return journal(self.database)


def journal(database):
    rows = Rows(database)
    return Journal(database, lambda target, first, last, fields: rows.change(first, last, fields))


def contents(path):
    """Everything that stands in a database."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


@pytest.fixture
def old(tmp_path, monkeypatch):
    old = Old(tmp_path / "studio.db", monkeypatch)
    yield old
    old.database.close()


@pytest.fixture
def opened(old):
    """The project opened anew, when a test asks for it."""
    held = []

    def open_it():
        old.database.close()
        held.append(Database(old.path, writable=True))
        return held[-1]

    yield open_it
    for database in held:
        database.close()


# -- methods cut off midway --------------------------------------------------------------------------


def test_rows_of_evol_instruct_are_answers_of_their_tasks(old, opened):
    run = old.run("evol-instruct", EVOL_DIGEST, EVOL)
    first = old.row(run, 1, 1, replies=("a", "b", "c"))
    dropped = old.row(run, 3, 1, rule="no-gain", replies=("d",))
    beside = old.row(run, 1, 1, variant=1)
    second = old.row(run, 1, 2, parent=first)
    now = opened()
    answers = Answers(now)
    assert answers.of(run) == [Answer((1, 1), None, {}), Answer((1, 3), None, {}), Answer((2, 1), None, {})]
    assert answers.asked(run, (1, 1)) == ("a", "b", "c")
    look = ProjectLook(now, run, list)
    assert [row.id for row in look.of_run()] == [first, dropped, beside, second]
    assert look.head(1, 3).id == second


def test_a_run_of_evol_instruct_is_found_by_the_settings_of_today(old, opened):
    run = old.run("evol-instruct", EVOL_DIGEST, EVOL)
    assert identity.digest(EVOL) == EVOL_DIGEST
    runs = Runs(opened())
    roles = dict.fromkeys(("teacher", "answerer", "judge"), Asked("fake", "standard"))
    settings = {"temperature": 0.6, "operations": [], "weights": {}}
    recipe = identity.recipe("evol-instruct", roles, settings, "drop")
    assert identity.digest(recipe) == "dcf8bc88ef59e105e0fd5a1351a2010e"
    assert runs.find(identity.digest(recipe)) == runs.find(EVOL_DIGEST) == run
    assert runs.find(identity.digest(recipe.replace("0.6", "0.7"))) is None


def test_requests_of_self_instruct_and_instances_are_answers(old, opened):
    bootstrap, first = "self-instruct/bootstrap", "self-instruct/output-first"
    run = old.run("self-instruct", INSTRUCT_DIGEST, INSTRUCT)
    old.draw(run, 1)
    old.draw(run, 2, rule="cut-short", evidence="it was cut")
    old.draw(run, 3)
    old.draw(run, 4, ended=0, reply=None)
    answered = old.row(run, None, 1, first, ("k", "l", "m"))
    old.row(run, None, 1, first, ("k", "l", "m"), variant=1, parent=answered)
    old.row(run, None, 1, "self-instruct/input-first", ("k", "n", "o"), rule="no-output", variant=8)
    old.row(run, None, 1, bootstrap, rule="near-duplicate", variant=16)
    old.row(run, None, 1, bootstrap, rule="unanswered", variant=24)
    old.row(run, None, 3, bootstrap, rule="too-short")
    now = opened()
    shown = json.loads(SHOWN)
    assert Answers(now).of(run) == [
        Answer(("list", 1), shown, {"new": 3, "rule": None, "evidence": None}),
        Answer(("list", 2), shown, {"new": 0, "rule": "cut-short", "evidence": "it was cut"}),
        Answer(("list", 3), shown, {"new": 0, "rule": None, "evidence": None}),
        Answer(("list", 4), shown, None),
        Answer(("answer", 1, 0), None, {}),
        Answer(("answer", 1, 8), None, {}),
    ]
    assert Answers(now).asked(run, ("list", 1)) == ("k",)
    assert Answers(now).asked(run, ("answer", 1, 8)) == ("n", "o")
    assert Runs(now).find(INSTRUCT_DIGEST) == run


@pytest.mark.parametrize("written", [{}, {"top_p": 0.5}, {"max_tokens": 1024, "presence_penalty": 2.0, "top_p": 0.5}])
def test_a_run_of_self_instruct_is_found_whether_the_papers_numbers_are_written_down_or_not(old, opened, written):
    run = old.run("self-instruct", INSTRUCT_DIGEST, INSTRUCT)
    roles = dict.fromkeys(("teacher", "answerer"), Asked("t", "standard"))
    settings = {"blacklist": ("歌",), "temperature": 0.9, "language": "zh", **written}
    recipe = identity.recipe("self-instruct", roles, settings, "keep")
    assert Runs(opened()).find(identity.digest(recipe)) == run


def test_probes_are_runs_and_the_newest_stays_it(old, opened):
    run = old.run("evol-instruct", EVOL_DIGEST, EVOL)
    old.probe(PROBE_DIGEST, PROBE, ended=2)
    old.probe("unreadable", "{}", ended=1)
    old.probe("begun", PROBE.replace("42", "43"))
    now = opened()
    runs = Runs(now)
    newest, unreadable, begun = runs.all("probe")
    assert (newest.ended, unreadable.ended, begun.ended, runs.get(run).ended) == (2, 1, None, None)
    assert runs.newest("probe") == runs.newest("probe", "t") == newest
    assert (newest.started_at, unreadable.settings) == ("then", "{}")
    assert json.loads(newest.settings) == {
        "method": "probe",
        "roles": {"teacher": {"model": "t", "profile": "small", "own": {}}},
        "settings": {"positions": 3, "language": "zh", "thinking_room": 7},
        "thinking": "drop",
    }
    assert json.loads(begun.settings)["settings"]["seed"] == 43
    for probe in (newest, unreadable, begun):
        assert Answers(now).of(probe.id) == [
            Answer((0, 0), None, {"right": True}),
            Answer((0, 12), None, {"right": False}),
            Answer((1, 0), None, {"right": False}),
        ]
    assert Answers(now).asked(newest.id, (0, 12)) == ("b",)
    with now.transaction():
        runs.end(begun.id)
    assert runs.newest("probe").id == begun.id


@pytest.mark.parametrize("thinking", ["drop", "keep", "attach"])
@pytest.mark.parametrize("written", [{}, {"keys": 25}])
def test_a_probe_is_found_whatever_becomes_of_thoughts(old, opened, thinking, written):
    old.probe(PROBE_DIGEST, PROBE)
    settings = {"positions": 3, "language": "zh", "thinking_room": 7, **written}
    recipe = identity.recipe("probe", {"teacher": Asked("t", "small")}, settings, thinking)
    assert Runs(opened()).find(identity.digest(recipe)) == 1


def test_a_project_with_nothing_made_is_empty_afterwards(old, opened):
    now = contents_of(opened())
    assert (now["answers"], now["scores"], now["runs"], len(now["rows"])) == ([], [], [], 3)


# -- recipes -----------------------------------------------------------------------------------------


def settings_of(method, recipe):
    return json.loads(identities.told_anew(method, recipe)[0])


def test_prompts_of_a_persons_own_stay_in_the_recipe():
    """Also the shipped ones of another profile or language: these are not what this role gets by itself."""
    own = EVOL.replace("7ee9eca3c0cafe0f", "0123456789abcdef")
    assert settings_of("evol-instruct", own)["roles"]["judge"]["own"] == {"zh": "0123456789abcdef"}
    assert settings_of("evol-instruct", EVOL)["roles"]["judge"]["own"] == {}
    swapped = PROBE.replace("5a49b5903a3f9dd9", "9ea4bdfae3caa2c0")
    assert settings_of("probe", swapped)["roles"]["teacher"]["own"] == {"zh": "9ea4bdfae3caa2c0"}


def test_a_small_model_had_no_sampling_of_its_own_so_what_was_set_is_not_known():
    small = EVOL.replace('"profile":"standard"', '"profile":"small"')
    assert settings_of("evol-instruct", small)["settings"] == {"operations": [], "weights": {}}
    mixed = EVOL.replace('"profile":"standard"', '"profile":"small"', 2).replace("2048", "99")
    assert settings_of("evol-instruct", mixed)["settings"] == {
        "temperature": 0.6, "max_tokens": 99, "operations": [], "weights": {}
    }  # fmt: skip


def test_weights_and_other_seeds_are_told():
    other = EVOL.replace('"seed":42', '"seed":7,"short_answer":9,"weights":{"deepening":2.0,"in_breadth":0.0}')
    assert settings_of("evol-instruct", other)["settings"] == {
        "seed": 7,
        "short_answer": 9,
        "temperature": 0.6,
        "operations": [],
        "weights": {"deepening": 2.0, "in_breadth": 0.0},
    }


def test_documents_are_told_by_their_number():
    documents = PROBE.replace('"kv"', '"documents"')
    assert settings_of("probe", documents)["settings"]["documents"] == 25


@pytest.mark.parametrize(("method", "recipe"), [("placement", '{"seed":1}'), ("evol-instruct", "{}"), ("probe", "no")])
def test_what_is_no_recipe_of_a_chat_models_is_left_alone(old, opened, method, recipe):
    run = old.run(method, "k", recipe)
    runs = Runs(opened())
    assert runs.find("k") == run
    assert runs.get(run).settings == recipe
    assert identities.told_anew(method, recipe) == []


# -- what else there is ------------------------------------------------------------------------------


def contents_of(database):
    path = database.path
    database.close()
    return contents(path)


def test_there_is_a_backup_of_it_as_it_was_and_a_second_opening_changes_nothing(old, opened):
    run = old.run("evol-instruct", EVOL_DIGEST, EVOL)
    old.row(run, 1, 1)
    old.probe(PROBE_DIGEST, PROBE)
    old.database.close()
    before = contents(old.path)
    first = contents_of(opened())
    assert contents(old.path.with_name("studio.db.v9.bak")) == before
    assert first.keys() - before.keys() == {"answers", "scores"}
    assert before.keys() - first.keys() == {"draws", "probes", "probe_answers"}
    again = opened()
    assert again.version == len(MIGRATIONS)
    assert contents_of(again) == first


def test_decisions_stay_and_the_last_one_can_be_undone(old, opened):
    old.journal().decide("reject", "one", [Change("row", 1, 1, {"status": "accepted"}, {"status": "rejected"})])
    old.journal().decide("reject", "two", [Change("row", 2, 3, {"status": "accepted"}, {"status": "rejected"})])
    old.journal().undo()
    old.journal().decide("reject", "two", [Change("row", 2, 2, {"status": "accepted"}, {"status": "rejected"})])
    kept = ("groups", "journal", "undo_stack", "redo_stack", "rows", "state", "counts", "replies", "pairs")
    before = contents(old.path)
    now = opened()
    after = contents(old.path)
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert journal(now).undo().summary == "two"
    assert [row.status for row in Rows(now).page([1, 2, 3])] == ["rejected", "accepted", "accepted"]


def test_rows_of_other_methods_need_no_round(old, opened):
    run = old.run("followup", "k", "{}")
    opened().close()
    now = opened()
    for _ in range(2):
        with now.transaction():
            Rows(now).add_generated(Generated("sft", Sft("b"), run, 1, 0, 1, "followup", ("k",)))
    assert len(ProjectLook(now, run, list).of_run()) == 2


@pytest.mark.parametrize("error", [ValueError("cut"), sqlite3.OperationalError("disk I/O error")])
def test_a_step_that_fails_leaves_the_schema_as_it_was(old, opened, monkeypatch, error):
    run = old.run("evol-instruct", EVOL_DIGEST, EVOL)
    old.row(run, 1, 1)
    old.database.close()
    before = contents(old.path)

    def cut(connection):
        MIGRATIONS[9](connection)
        raise error

    monkeypatch.setattr(databases, "MIGRATIONS", (*MIGRATIONS[:9], cut))
    with pytest.raises(ProjectError if isinstance(error, sqlite3.Error) else ValueError):
        Database(old.path, writable=True)
    assert contents(old.path) == before
    with closing(sqlite3.connect(old.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (9,)
    monkeypatch.undo()
    assert Answers(opened()).done(run) == {(1, 1)}


def test_a_project_of_a_hundred_thousand_rows_is_opened_in_seconds(old, opened):
    evolving = old.run("evol-instruct", EVOL_DIGEST, EVOL)
    instructing = old.run("self-instruct", INSTRUCT_DIGEST, INSTRUCT)
    n, body = 50_000, b'{"instruction":"%s"}' % (b"x" * 800)
    with old.database.transaction() as connection:
        for run, operation in ((evolving, "deepening"), (instructing, "self-instruct/output-first")):
            evolved = run == evolving
            connection.executemany(
                "INSERT INTO rows (body, run, root, round, operation, replies, variant) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (body, run, i // 4 if evolved else None, (i % 4 if evolved else i // 8) + 1, operation, "k l m",
                     0 if evolved else i % 8 * 8)
                    for i in range(n)
                ),
            )  # fmt: skip
        connection.execute(
            "INSERT INTO state (id, type, status, seed, generated) SELECT id, 1, 0, 0, 1 FROM rows WHERE run"
        )
        connection.executemany(
            "INSERT INTO draws VALUES (?, ?, ?, 1, 'k', NULL, NULL)",
            ((instructing, i + 1, SHOWN) for i in range(n // 8)),
        )
    started = time.perf_counter()
    now = opened()
    assert time.perf_counter() - started < 20
    assert (len(Answers(now).done(evolving)), len(Answers(now).done(instructing))) == (n, n + n // 8)
    assert Answers(now).get(instructing, ("list", 1)).value["new"] == 8
