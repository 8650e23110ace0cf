"""Every command of the screens, declared once: bindings, footer, palette, help, the README's table."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from studio.errors import UsageError

Stage = Literal["seeds", "evolve", "dedup", "position", "check", "export"]
STAGES: tuple[Stage, ...] = get_args(Stage)
ALL = STAGES
ROWS: tuple[Stage, ...] = ("seeds", "evolve")
DEDUP: tuple[Stage, ...] = ("dedup",)
EDITABLE: tuple[Stage, ...] = ("seeds", "evolve", "position", "check")


class Command(NamedTuple):
    """id: what [keys] in studio.toml calls it. keys: separated by commas, as Textual names them.

    title: one or two words for footer and palette. help: one line. footer: shown there where it fits. gives_way: a
    stage's own command may have one of its keys.
    """

    id: str
    keys: str
    title: str
    help: str
    stages: tuple[Stage, ...] = ALL
    footer: bool = False
    writes: bool = False
    gives_way: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("accept", "a", "accept", "Accept the row", (*ROWS, "check"), footer=True, writes=True),
    Command("reject", "x", "reject", "Reject the row; it is kept with its reason", (*ROWS, "check"), True, True),
    Command("skip", "space", "skip", "Leave it and go to the next", ("seeds", "evolve", "dedup", "position")),
    Command("start", "s", "start", "Start the method that ran last, or go on", ("evolve",), True, True),
    Command("pause", "p", "pause", "Pause or resume; requests in flight are finished", ("evolve",), footer=True),
    Command("stop", "S", "stop", "Stop after what is in flight; once more: drop that too", ("evolve",), footer=True),
    Command("methods", "m", "methods", "All methods: what each needs, makes and takes", ("evolve",), True, True),
    Command("tree", "w", "tree", "Show the row's family tree, or its text", ("evolve",), footer=True),
    Command("relative", "enter", "relative", "In the tree: go to the relative that J and K point at", ("evolve",)),
    Command("reroll", "r", "re-roll", "Evolve its parent anew, by an operation you choose", ("evolve",), True, True),
    Command("funnel", "f", "funnel", "The whole funnel: rules, trouble, difficulty, cost", ("evolve",), footer=True),
    Command("settings", "o", "settings", "The method's settings, limits, models, from now on", ("evolve",), True, True),
    Command("lanes", "v", "lanes", "Show the lanes, or only their counts", ("evolve",)),
    Command("keep-left", "h,left", "keep left", "Keep the first of the two rows, reject the other", DEDUP, True, True),
    Command("keep-right", "l,right", "right", "Keep the second of the two rows, reject the first", DEDUP, True, True),
    Command("keep-both", "b", "both", "Keep both of the two rows", DEDUP, footer=True, writes=True),
    Command("not-duplicates", "n", "no duplicates", "These rows are no duplicates: never ask again", DEDUP, True, True),
    *(
        Command(
            f"keep-{place}",
            str(place),
            f"keep {place}",
            f"Keep row {place} of the cluster, not the rest",
            DEDUP,
            writes=True,
        )
        for place in range(1, 10)
    ),
    Command("next-row", "tab", "next row", "Show the next row of the cluster beside the first", DEDUP),
    Command("previous-row", "shift+tab", "row before", "Show the row before", DEDUP),
    Command("merge", "m", "merge", "Make one row of the two, field by field", DEDUP, footer=True, writes=True),
    Command("conflict", "c", "conflict", "One prompt, two answers: choose, pair them up, drop", DEDUP, True, True),
    Command(
        "accept-band", "A", "all like it", "Decide every cluster that is as much alike, after a look", DEDUP, True, True
    ),
    Command("threshold", "t", "threshold", "From which score on rows are duplicates, and what would go", DEDUP, True),
    Command("find", "f", "find", "Find duplicates, by the method and field of o", DEDUP, footer=True, writes=True),
    Command("dedup-settings", "o", "settings", "Method, field, and which row stays", DEDUP, footer=True),
    Command("redundancy", "R", "redundancy", "How redundant the rows are, by source and method", DEDUP),
    Command("diverse", "v", "diverse", "Tag the N rows that say most, for an export", DEDUP, writes=True),
    Command("order", "s", "order", "The least certain first, the most alike first, or the largest", DEDUP),
    Command("segment-left", "h,left", "segment ←", "Select the segment before", ("position",)),
    Command("segment-right", "l,right", "segment →", "Select the segment behind", ("position",), footer=True),
    Command("gold", "m", "gold", "Mark the selected segment as gold: it holds the answer", ("position",), True, True),
    Command("forward", "less_than_sign", "forward", "Move gold one place to the head", ("position",), writes=True),
    Command("back", "greater_than_sign", "back", "Move gold one place to the tail", ("position",), writes=True),
    Command("head", "H", "head", "Move the gold segment to the head", ("position",), writes=True),
    Command("middle", "M", "middle", "Move the gold segment to the middle", ("position",), writes=True),
    Command("tail", "T", "tail", "Move the gold segment to the tail", ("position",), writes=True),
    Command("strategy", "s", "strategy", "Choose where gold shall go, and see what comes", ("position",), True),
    Command("options", "o", "options", "Variants, distractors, the question, locate-first, weights", ("position",)),
    Command("place", "p", "place", "Place this row, or the marked ones, by the strategy", ("position",), True, True),
    Command("place-all", "P", "place all", "Place all rows of the list, after a look at it", ("position",), True, True),
    Command("mark", "v", "mark", "Mark the row for p and c, or no longer", ("position",), footer=True),
    Command("mark-all", "V", "mark all", "Mark every row of the list, or none of them", ("position",)),
    Command("review", "r", "review", "Only rows whose gold segment is unsure, or all", ("position",), footer=True),
    Command("consult", "c", "ask judge", "Have a model say which one is gold; again: stop", ("position",), writes=True),
    Command(
        "probe", "b", "probe", "Measure how well a model reads each position; again: stop", ("position",), writes=True
    ),
    Command("text", "w", "text", "The segments in a line each, whole, or as they will be", ("position",)),
    Command("figures", "f", "figures", "Where gold stands in numbers, and why rows stay", ("position",)),
    Command("unfold", "space", "open/close", "Open or close the group of issues", ("check",), footer=True),
    Command("fix", "f", "fix", "Apply the automatic fix to this row", ("check",), footer=True, writes=True),
    Command(
        "fix-all", "F", "fix all", "Apply it to every row of this code, after a look at it", ("check",), True, True
    ),
    Command("waive", "w", "waive", "Let the row's issue pass, with a reason; or no longer", ("check",), True, True),
    Command("waive-all", "W", "waive all", "Let all issues of this code pass, or no longer", ("check",), writes=True),
    Command("show-waived", "v", "waived", "Show what was let pass, or hide it", ("check",)),
    Command("recheck", "r", "re-check", "Check every row again", ("check",)),
    Command("go-to-row", "enter", "go to row", "Show the row in its own stage", ("dedup", "check"), footer=True),
    Command("write", "w", "write", "Write the export, read it back, verify it", ("export",), footer=True),
    Command("toggle-type", "space", "on/off", "Export this type or not", ("export",), footer=True),
    Command("accepted-only", "o", "accepted only", "Export accepted rows only, or pending ones too", ("export",), True),
    Command("format", "f", "format", "alpaca, sharegpt or openai", ("export",), footer=True),
    Command("file-kind", "t", "file", "Which kind of file: json, jsonl or parquet", ("export",), footer=True),
    Command("split", "s", "split", "Split into train, valid and test", ("export",), footer=True),
    Command("only", "slash", "only", "Export only rows with these tags, methods or scores", ("export",), footer=True),
    Command("named", "n", "named", "Go on to the next export that studio.toml names", ("export",)),
    Command("push", "P", "push", "Send what was written to the Hugging Face Hub", ("export",)),
    Command("out", "O", "folder", "Choose the folder to export to", ("export",), footer=True),
    Command("add", "n", "new", "Write a new row", ("seeds",), footer=True, writes=True),
    Command("add-type", "N", "new of a type", "Write a new row of a type to choose", ("seeds",), writes=True),
    Command("duplicate", "D", "copy row", "Write a new row that begins as a copy of this one", ("seeds",), writes=True),
    Command("classify", "c", "classify", "Say that it is a classification task, or is not", ("seeds",), writes=True),
    Command("pool", "b", "balance", "The task pool in numbers, and what it lacks", ("seeds",), footer=True),
    Command("hints", "h", "hints", "Only seed tasks that something speaks against, or all again", ("seeds",), True),
    Command("draw", "p", "draw 8", "The prompt that Self-Instruct would send: 8 tasks of the pool", ("seeds",)),
    Command("import", "i", "import", "Import files", ("seeds",), footer=True, writes=True),
    Command("seed", "t", "seed", "Put the row into the task pool, or take it out", ROWS, footer=True, writes=True),
    Command("delete", "d", "delete", "Take the row out; u brings it back", ("seeds",), footer=True, writes=True),
    Command("edit", "e", "edit", "Edit the row here", EDITABLE, footer=True, writes=True),
    Command("editor", "E", "$EDITOR", "Edit the row in $EDITOR", EDITABLE, writes=True),
    Command("tag", "number_sign", "tags", "Give the row tags; exports and filters know them", ROWS, writes=True),
    Command("score", "equals_sign", "score", "Give the row a score of your own scale", ROWS, writes=True),
    Command("filter", "slash", "filter", "Show only some rows: words and conditions", (*ROWS, "position"), footer=True),
    Command("undo", "u,backspace", "undo", "Take back the last decision, also of yesterday", footer=True, writes=True),
    Command("redo", "ctrl+r", "redo", "Do it again", writes=True),
    Command("copy", "y", "copy", "Copy the row's text to the clipboard", EDITABLE),
    Command("down", "j,down", "down", "Next"),
    Command("up", "k,up", "up", "Previous"),
    Command("half-page-down", "ctrl+d,pagedown", "page down", "Half a page down"),
    Command("half-page-up", "ctrl+u,pageup", "page up", "Half a page up"),
    Command("top", "g,home", "top", "First"),
    Command("bottom", "G,end", "bottom", "Last"),
    Command("detail-down", "J", "text down", "Scroll the text down"),
    Command("detail-up", "K", "text up", "Scroll the text up"),
    Command("next-stage", "right_square_bracket", "next stage", "Next stage"),
    Command("previous-stage", "left_square_bracket", "previous stage", "Previous stage"),
    *(
        Command(
            stage, f"{number},f{number}", stage.capitalize(), f"Stage {number}: {stage.capitalize()}", gives_way=True
        )
        for number, stage in enumerate(STAGES, start=1)
    ),
    Command("palette", "colon,ctrl+p", "palette", "Find a command or a theme"),
    Command("help", "question_mark", "help", "What the keys of this stage do", footer=True),
    Command("quit", "q", "quit", "Leave; everything is kept", footer=True),
)

_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "number_sign": "#",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


def shown_keys(command: Command) -> str:
    """The keys as people write them."""
    return " ".join(_SHOWN.get(key, key) for key in keys_of(command.keys))


def of_stage(stage: Stage, remapped: Mapping[str, str]) -> list[Command]:
    """The stage's commands with the person's own keys. A key they gave away is theirs: its first owner loses it."""
    here = [command for command in COMMANDS if stage in command.stages]
    given = {key for command in here for key in keys_of(remapped.get(command.id, ""))}
    own = {key for command in here if not command.gives_way for key in keys_of(command.keys)}
    return [
        command._replace(
            keys=remapped[command.id]
            if command.id in remapped
            else ",".join(
                key for key in keys_of(command.keys) if key not in given and not (command.gives_way and key in own)
            )
        )
        for command in here
    ]


def keys_of(keys: str) -> list[str]:
    """The single keys of a command's keys."""
    return [key.strip() for key in keys.split(",") if key.strip()]


def check_keys(remapped: Mapping[str, str]) -> None:
    """Raises UsageError when [keys] names no command, or gives one key to two commands of a stage."""
    known = [command.id for command in COMMANDS]
    for name in remapped:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "The README lists the commands."
            raise UsageError(f"[keys] in studio.toml: there is no command {name!r}.", hint=hint)
    for stage in STAGES:
        taken: dict[str, str] = {}
        for command in of_stage(stage, remapped):
            for key in keys_of(command.keys):
                other = taken.setdefault(key, command.id)
                if other != command.id:
                    raise UsageError(
                        f"[keys] in studio.toml: in {stage}, {key} would be both {other} and {command.id}.",
                        hint=f"Give {other} or {command.id} another key.",
                    )


def key_table() -> str:
    """The README's table of keys, in Markdown."""
    lines = ["| key | command | what it does | where |", "|---|---|---|---|"]
    for command in COMMANDS:
        where = "everywhere" if command.stages == ALL else ", ".join(command.stages)
        keys = " ".join(f"`{key}`" for key in shown_keys(command).split(" "))
        lines.append(f"| {keys} | {command.id} | {command.help} | {where} |")
    return "\n".join(lines)
