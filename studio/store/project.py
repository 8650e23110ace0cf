"""A project folder: studio.toml, studio.db, what imports set aside, exports.

my-project/
  studio.toml    settings, written once with comments, then the person's own
  studio.db      everything else
  index/         made from the rows, for finding duplicates at once; may be deleted at any time
  set_aside/     lines of imported files that could not be read, with the reason
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from studio.errors import LockedError, ProjectError, UsageError
from studio.store.atomic import write
from studio.store.database import Database
from studio.store.lock import WriterLock

SETTINGS_FILE = "studio.toml"
DATABASE_FILE = "studio.db"
SET_ASIDE = "set_aside"

_TEMPLATE = """\
# Settings of this project. The studio wrote this file once and never changes it again; it is yours.
# Every line that starts with "# " and a name shows a default: take the "# " away to change it.

[project]
name = {name}

[model]
# Where answers come from. Without base_url the small embedded model answers: no key, no network.
# base_url = "http://127.0.0.1:8000/v1"   # any OpenAI-compatible endpoint: vLLM, Ollama, ...
# model = ""                              # as the endpoint calls it
# api_key_env = ""                        # the variable that holds the key; the key itself never goes in here
# endpoints = []                          # more addresses that serve the same model; they share the work and the key
# profile = "auto"                        # prompts for a "standard" or a "small" model
# rpm = 0               # requests a minute that each endpoint takes; 0: no limit
# tpm = 0               # tokens a minute
# first_token = 120.0   # seconds of patience: for the first word of a streamed answer,
# silence = 60.0        # between two of its words,
# total = 600.0         # for a whole answer that is not streamed
# thinking = "drop"     # what becomes of <think> parts: drop, keep (beside the row) or attach (to its output)

[answerer]
# A model of its own for answers; what is empty is as in [model].
# base_url = ""
# model = ""
# api_key_env = ""
# endpoints = []
# profile = "auto"
# rpm = 0
# tpm = 0

[judge]
# A model of its own for judging; what is empty is as in [model].
# base_url = ""
# model = ""
# api_key_env = ""
# endpoints = []
# profile = "auto"
# rpm = 0
# tpm = 0

[embeddings]
# Where vectors of texts come from, for rows that say the same in other words. Each text is paid for once.
# base_url = ""         # any OpenAI-compatible endpoint with /embeddings; "": that of [model], with its key
# model = ""            # for example "text-embedding-3-small", "bge-m3" or "Qwen3-Embedding-0.6B"
# api_key_env = ""
# dimensions = 0        # of a vector; 0: the model's own
# prefix = ""           # what the model wants before each text, for example "query: "
# cutoff = 6000         # tokens; a longer text loses its end. No more than the model takes
# batch = 64            # texts in a request
# concurrency = 4       # requests in flight
# rpm = 0
# tpm = 0

[budget]
# A run ends at the first of these, and says so; 0: no such cap. Replayed answers cost nothing.
# usd = 0               # needs a known price for each model
# tokens = 0            # of prompts and answers together
# requests = 0
# minutes = 0

# A price of your own, USD for a million tokens (prices change: look at your provider's page), for example:
#   [prices."my-model"]
#   input = 0.5
#   output = 1.5
#   cached = 0.1          # prompts the endpoint had at hand; without it: as input

[evolve]
# rounds = 4            # Evol-Instruct: four rounds over the task pool
# concurrency = 4       # requests in flight
# limit = 0             # at most so many evolutions in all; 0: no limit
# target = 0            # stop when so many rows were not eliminated; 0: no target
# operations = []       # the operations to draw from; none: all six, each as often
# language = "all"      # evolve only seed tasks in "en" or "zh"
# prompts = ""          # a folder with prompt files of your own, evol_instruct.en.toml and evol_instruct.zh.toml
# seed = 42             # which operation each task gets; the same seed gives the same plan
# temperature = 1.0
# top_p = 0.95
# max_tokens = 2048
# short_answer = 80     # an apology in an answer of fewer words eliminates (the paper's rule 2)
#   [evolve.weights]    # how often an operation is drawn; 1 where it is not named
#   in_breadth = 2

[self_instruct]
# variant = "paper"     # Self-Instruct; or "alpaca": whole tasks, many in one request
# target = 100          # instructions with an instance, in all
# limit = 0             # at most so many requests for instructions; 0: no limit
# concurrency = 4       # requests in flight
# batch = 5             # requests that see the same task pool
# threshold = 0.7       # ROUGE-L F above this with any task of the pool: not new
# blacklist = []        # more words that drop an instruction
# allowed = []          # words of the paper's blacklist that do not, such as "map" or "文件"
# language = "auto"     # "en" or "zh"; auto: that of most seed tasks
# prompts = ""          # a folder with prompt files of your own, self_instruct.en.toml and self_instruct.zh.toml
# seed = 42             # which tasks each request shows
# thinking_room = 0     # tokens on top of the paper's, for a model that thinks before it answers
# Of the requests for instructions; without these lines as in the paper, which says (alpaca: 1.0, 1.0, 3072, 0):
#   temperature = 0.7
#   top_p = 0.5
#   max_tokens = 1024
#   presence_penalty = 2.0

[probe]
# task = "kv"           # a value by its key in a JSON object; or "documents": a question to documents
# keys = 0              # pairs in the object; 0: 75, for a small model 25
# documents = 10
# positions = 5         # of the answer, evenly from head to tail
# samples = 20          # questions at each position
# language = "en"       # or "zh"
# seed = 42             # which questions
# concurrency = 4       # requests in flight
# prompts = ""          # a folder with prompt files of your own, probe.en.toml and probe.zh.toml
# context = 0           # tokens that a prompt and its answer may have together; 0: not known
# thinking_room = 0     # tokens on top of the paper's 100, for a model that thinks before it answers

[dedup]
# method = "overlap"    # words in common, rare ones count more; or exact, rouge-l (as Self-Instruct), minhash, semantic
# field = "prompt"      # what is compared: prompt (all that is asked), instruction, output or row
# threshold = 0         # the score from which rows are duplicates; 0: the method's own (overlap 0.75, rouge-l 0.7)
# keep = "first"        # which one stays: first, longest, newest, best-score, human-first, most-complete

[position]
# strategy = "balanced" # head, middle, tail, edges, balanced, shuffle or inverse
# seed = 42             # the same seed gives the same bytes
# sure = 0.6            # a gold segment with less confidence waits for a look
# variants = 0          # new rows made of each, besides it; 0: the row itself is placed
# distractors = 0       # segments of other rows put into each
# question = "as-is"    # before, after or both: where the question stands to the segments
# locate_first = false  # the output first names the segment that holds the answer
# weights = []          # ten, head to tail: how often "inverse" wants gold in each tenth; []: by the newest probe
# concurrency = 4       # requests to the judge in flight
# prompts = ""          # a folder with prompt files of your own, gold_judge.en.toml and gold_judge.zh.toml
# Segments of your own form by a regular expression for where one begins. What (?P<number>...) is part of stays in its
# place as a label; with (?P<body>...) exactly that moves:
#   pattern = '^Note (?P<number>\\d+):'

[check]
# cutoff = 2048         # cutoff_len of your training, in tokens; longer rows are flagged
# tokenizer = ""        # the tokenizer.json of your model, for exact counts; "" estimates
# skip = []             # codes of checks you do not want

# A check of your own, for example:
#   [rules.no-todo]
#   pattern = "TODO|待办"
#   fields = ["output", "chosen"]   # none: every field
#   severity = "warning"            # or "error", which holds the row back from an export
#   message = "left to do"

[export]
# out = "export"
# statuses = ["accepted", "pending"]
# types = []            # pretrain, sft, preference, multimodal, kto; none: all
# format = "alpaca"     # or sharegpt, openai
# file = "auto"         # json, jsonl or parquet; auto: jsonl for pretrain, json for the rest
# tags = []             # only rows with one of these tags
# methods = []          # only rows made so: imported, written, deepening, in_breadth, ...
#   min_score = 3.5     # only rows with a score, of at least so much
# split = ""            # "8:1:1" makes train, valid and test
# seed = 42             # which row goes into which part

# An export with a name, here for studio export DIR --name chat. What it does not say, [export] says.
#   [exports.chat]
#   out = "export-chat"
#   types = ["sft"]
#   format = "openai"

[screen]
# theme = ""            # "" remembers what you picked in the palette
# mouse = false         # over SSH a mouse costs traffic; the keyboard does everything
# color = "auto"        # truecolor, 256, 16 or none where the terminal is guessed wrong

[keys]
# Your own keys: "command" = "key", with the names that ? shows.
# accept = "y"
"""


class Project:
    """An open project folder. writable is False when somebody else holds the writer lock."""

    def __init__(self, folder: Path, database: Database, lock: WriterLock) -> None:
        self.folder = folder
        self.database = database
        self._lock = lock

    @property
    def writable(self) -> bool:
        return self.database.writable

    @property
    def holder(self) -> str:
        """Who writes here, in words."""
        return self._lock.holder() or "nobody"

    def close(self) -> None:
        self.database.close()
        self._lock.release()


def is_project(folder: Path) -> bool:
    """Whether the folder has a studio.toml, which is made last."""
    return (folder / SETTINGS_FILE).is_file()


def create(folder: Path, name: str = "", chosen: Mapping[str, str] | None = None) -> None:
    """Make a new project folder; chosen maps names in studio.toml to TOML values other than the default.

    Raises UsageError if there is a project, or other files, already, ProjectError if the disk refuses.
    """
    if is_project(folder):
        raise UsageError(f"{folder} is a project already.", hint=f"Open it: studio {folder}")
    if folder.exists() and (not folder.is_dir() or any(_foreign(entry) for entry in folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder.", hint="Name a new folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Database(folder / DATABASE_FILE, writable=True).close()
        # Last, because it is what makes the folder a project: before it, creating can simply be tried again.
        text = _TEMPLATE.format(name=_toml_text(name or folder.resolve().name))
        for key, value in (chosen or {}).items():
            text = re.sub(rf"^# {key} = \S+ *", f"{key} = {value}  ", text, count=1, flags=re.MULTILINE)
        write(folder / SETTINGS_FILE, text.encode())
    except OSError as error:
        raise ProjectError(
            f"{folder} cannot be made: {error.strerror}.", hint="Choose a folder you may write in."
        ) from None


def _foreign(entry: Path) -> bool:
    """Whether a file is none that creating a project makes before it ends."""
    return not entry.name.startswith(DATABASE_FILE)


def _toml_text(text: str) -> str:
    """A TOML string. JSON's escapes are TOML's, which forbids DEL besides; a name that is not UTF-8 is shown so."""
    return json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


def open_project(folder: Path, *, read_only: bool = False, must_write: bool = False) -> Project:
    """Open a project; read-only when asked, or when somebody else is writing in it.

    Raises UsageError if folder is no project, LockedError if must_write and it is taken, ProjectError if it
    cannot be written or its database cannot be read.
    """
    if not is_project(folder):
        raise UsageError(f"{folder} is not a studio project.", hint=f"Make one: studio new {folder}")
    if not (folder / DATABASE_FILE).is_file():
        raise ProjectError(
            f"{folder} has lost its {DATABASE_FILE}, which holds every row.",
            hint=f"Put it back from a copy; to start anew, take {SETTINGS_FILE} away first.",
        )
    lock = WriterLock(folder / f".{DATABASE_FILE}.lock")
    try:
        writable = not read_only and lock.take()
    except OSError as error:
        if must_write:
            raise ProjectError(f"{folder} cannot be written: {error.strerror}. Nothing was changed.") from None
        writable = False
    if must_write and not writable:
        raise LockedError(
            f"{folder} is being written by {lock.holder() or 'another process'}.",
            hint="Close it there first. Nothing was changed.",
        )
    try:
        return Project(folder, Database(folder / DATABASE_FILE, writable=writable), lock)
    except ProjectError:
        lock.release()
        raise
