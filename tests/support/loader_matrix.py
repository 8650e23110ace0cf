"""Good and bad rows with what LLaMA-Factory's loader makes of each: its verdict, stage by stage."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """A row under a dataset_info entry in a stage. verdict: kept, dropped or aborts."""

    name: str
    row: dict[str, Any]
    entry: dict[str, Any]
    stage: str
    verdict: str


def entry(*roles: str, **keys: Any) -> dict[str, Any]:
    """An entry that maps these roles to their usual columns."""
    return {"file_name": "rows.json", **keys, "columns": {role: _USUAL.get(role, role) for role in roles}}


_USUAL = {"prompt": "instruction", "query": "input", "response": "output"}
SFT = entry("prompt", "query", "response")
TALK = entry("prompt", "query", "response", "system", "history")
TEXT = {"file_name": "rows.json", "columns": {"prompt": "text"}}
PAIR = entry("prompt", "query", "chosen", "rejected", ranking=True)
KTO = entry("prompt", "query", "response", "kto_tag")
SEEN = entry("prompt", "query", "response", "images")
BARE = {"file_name": "rows.json"}


def sft(**changes: Any) -> dict[str, Any]:
    return {"instruction": "说出一种水果。", "input": "", "output": "Pear."} | changes


def talk(**changes: Any) -> dict[str, Any]:
    return sft(system="Be brief.", history=[["Hello", "Good day"]]) | changes


def pair(**changes: Any) -> dict[str, Any]:
    return {"instruction": "Name a fruit.", "input": "", "chosen": "梨。", "rejected": "Stone."} | changes


def kto(**changes: Any) -> dict[str, Any]:
    return sft(kto_tag=True) | changes


def seen(**changes: Any) -> dict[str, Any]:
    return sft(instruction="<image>What is this?", images=["1.png"]) | changes


def turns(*said: str, role: str = "from", content: str = "value") -> list[dict[str, str]]:
    """Turns from "human: Hello" and the like."""
    return [{role: one.partition(": ")[0], content: one.partition(": ")[2]} for one in said]


def talked(*said: str, **changes: Any) -> dict[str, Any]:
    return {"conversations": turns(*(said or ("human: Name a fruit.", "gpt: 梨。")))} | changes


def messaged(*said: str, **changes: Any) -> dict[str, Any]:
    told = said or ("user: Name a fruit.", "assistant: 梨。")
    return {"messages": turns(*told, role="role", content="content")} | changes


TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "function_call",
    "system_tag": "system",
}
SHARE = {"file_name": "rows.json", "formatting": "sharegpt"}
SHARE_PAIR = SHARE | {
    "ranking": True,
    "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
}
SHARE_KTO = SHARE | {"columns": {"messages": "conversations", "kto_tag": "kto_tag"}}
SHARE_SEEN = SHARE | {"columns": {"messages": "conversations", "images": "images"}}
SHARE_TOOLS = SHARE | {"columns": {"messages": "conversations", "tools": "tools"}}
OPENAI = {
    "file_name": "rows.json",
    "formatting": "openai",
    "columns": {"messages": "messages", "tools": "tools"},
    "tags": TAGS,
}
GOOD = {"from": "gpt", "value": "Pear."}
BAD = {"from": "gpt", "value": "Stone."}
_ASKED = {"conversations": turns("human: Name a fruit.")}
THOUGHT_CALL = 'function_call: <think>\nhm\n</think>\n\n{"name": "a", "arguments": {}}'
MARKED_CALL = 'function_call: <tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>'
CALL = 'function_call: {"name": "search", "arguments": {"for": "pear"}}'

CASES: tuple[Case, ...] = (
    Case("sharegpt", talked(), SHARE, "sft", "kept"),
    Case("sharegpt with a system turn", talked("system: Short.", "human: Hi", "gpt: Ho"), SHARE, "sft", "kept"),
    Case("sharegpt of four turns", talked("human: a", "gpt: b", "human: c", "gpt: d"), SHARE, "sft", "kept"),
    Case("sharegpt without an answer", talked("human: a"), SHARE, "sft", "dropped"),
    Case("sharegpt answer first", talked("gpt: a", "human: b"), SHARE, "sft", "dropped"),
    Case("sharegpt two questions", talked("human: a", "human: b", "gpt: c", "gpt: d"), SHARE, "sft", "dropped"),
    Case("sharegpt unknown role", talked("user: a", "assistant: b"), SHARE, "sft", "dropped"),
    Case("sharegpt of no turns", {"conversations": []}, SHARE, "sft", "dropped"),
    Case("sharegpt null", {"conversations": None}, SHARE, "sft", "aborts"),
    Case("sharegpt other keys", {"conversations": turns("human: a", "gpt: b", role="role")}, SHARE, "sft", "aborts"),
    Case("sharegpt other column", messaged(), SHARE, "sft", "aborts"),
    Case(
        "sharegpt null content",
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": None}]},
        SHARE,
        "sft",
        "aborts",
    ),
    Case("sharegpt in pt", talked(), SHARE, "pt", "kept"),
    Case("sharegpt out of order in pt", talked("gpt: a"), SHARE, "pt", "aborts"),
    Case("sharegpt call", talked("human: a", CALL, "observation: b", "gpt: c"), SHARE, "sft", "kept"),
    Case("sharegpt call of words", talked("human: a", "function_call: b"), SHARE, "sft", "aborts"),
    Case("sharegpt call without a name", talked("human: a", "function_call: {}"), SHARE, "sft", "aborts"),
    Case("sharegpt tools", talked(tools="[]"), SHARE_TOOLS, "sft", "kept"),
    Case("sharegpt tools of words", talked(tools="search"), SHARE_TOOLS, "sft", "aborts"),
    Case("sharegpt pair", _ASKED | {"chosen": GOOD, "rejected": BAD}, SHARE_PAIR, "rm", "kept"),
    Case("sharegpt pair as text", _ASKED | {"chosen": "a", "rejected": "b"}, SHARE_PAIR, "rm", "dropped"),
    Case("sharegpt pair after an answer", talked(chosen=GOOD, rejected=BAD), SHARE_PAIR, "rm", "dropped"),
    Case(
        "sharegpt pair of a strange role",
        _ASKED | {"chosen": GOOD, "rejected": {"from": "me", "value": "b"}},
        SHARE_PAIR,
        "rm",
        "aborts",
    ),
    Case("sharegpt kto", talked(kto_tag=True), SHARE_KTO, "kto", "kept"),
    Case("sharegpt kto of words", talked(kto_tag="true"), SHARE_KTO, "kto", "dropped"),
    Case("sharegpt kto out of order", talked("human: a", kto_tag=True), SHARE_KTO, "kto", "aborts"),
    Case("sharegpt image", talked("human: <image>?", "gpt: Pear.", images=["1.png"]), SHARE_SEEN, "sft", "kept"),
    Case("sharegpt image unmarked", talked("human: ?", "gpt: Pear.", images=["1.png"]), SHARE_SEEN, "sft", "aborts"),
    Case("openai", messaged(tools=""), OPENAI, "sft", "kept"),
    Case("openai without tools", messaged(), OPENAI, "sft", "kept"),
    Case("openai system", messaged("system: Short.", "user: a", "assistant: b"), OPENAI, "sft", "kept"),
    Case("openai out of order", messaged("assistant: b", "user: a"), OPENAI, "sft", "dropped"),
    Case("openai unknown role", messaged("human: a", "gpt: b"), OPENAI, "sft", "aborts"),
    Case("openai second system", messaged("user: a", "system: b"), OPENAI, "sft", "dropped"),
    Case(
        "openai tools' answers", messaged("user: a", CALL, "tool: b", "tool: c", "assistant: d"), OPENAI, "sft", "kept"
    ),
    Case("openai tools as objects", messaged(tools=[]), OPENAI, "sft", "kept"),
    Case("openai tools as words", messaged(tools="5"), OPENAI, "sft", "aborts"),
    Case("sharegpt call after a thought", talked("human: a", THOUGHT_CALL), SHARE, "sft", "kept"),
    Case("sharegpt call between marks", talked("human: a", MARKED_CALL), SHARE, "sft", "kept"),
    Case("sharegpt empty text", {"conversations": ""}, SHARE, "sft", "dropped"),
    Case("sharegpt tools of numbers", talked(tools="[1]"), SHARE_TOOLS, "sft", "aborts"),
    Case("sharegpt tools of one object", talked(tools='{"name": "a"}'), SHARE_TOOLS, "sft", "aborts"),
    Case(
        "sharegpt pair chosen as a system prompt",
        _ASKED | {"chosen": {"from": "system", "value": "a"}, "rejected": BAD},
        SHARE_PAIR,
        "rm",
        "aborts",
    ),
    Case(
        "sharegpt kto broken call, untagged",
        talked("human: a", "function_call: b", kto_tag=1),
        SHARE_KTO,
        "kto",
        "aborts",
    ),
    Case("sft plain", sft(), SFT, "sft", "kept"),
    Case("sft without columns key", sft(), BARE, "sft", "kept"),
    Case("empty instruction and input", sft(instruction=""), SFT, "sft", "kept"),
    Case("empty output", sft(output=""), SFT, "sft", "kept"),
    Case("null output", sft(output=None), SFT, "sft", "dropped"),
    Case("number output", sft(output=7), SFT, "sft", "dropped"),
    Case("list output", sft(output=["Pear."]), SFT, "sft", "dropped"),
    Case("object output", sft(output={"a": "Pear."}), SFT, "sft", "dropped"),
    Case("number instruction", sft(instruction=7), SFT, "sft", "aborts"),
    Case("list input", sft(input=["x"]), SFT, "sft", "aborts"),
    Case("null input", sft(input=None), SFT, "sft", "kept"),
    Case("input not mapped", sft(input="lost"), entry("prompt", "response"), "sft", "kept"),
    Case("only images mapped", {"images": ["1.png"]}, entry("images"), "sft", "dropped"),
    Case("mapped column absent", {"instruction": "Hi", "output": "Hi"}, SFT, "sft", "aborts"),
    Case("pretrain row in sft", {"text": "Plain words."}, TEXT, "sft", "dropped"),
    Case("misspelt role", sft(), entry("promt", "query", "response"), "sft", "kept"),
    Case("formatting unknown", sft(), BARE | {"formatting": "chatml"}, "sft", "aborts"),
    Case("history of one pair", talk(), TALK, "sft", "kept"),
    Case("history empty", talk(history=[]), TALK, "sft", "kept"),
    Case("history null", talk(history=None), TALK, "sft", "kept"),
    Case("history empty text", talk(history=""), TALK, "sft", "kept"),
    Case("history of three", talk(history=[["a", "b", "c"]]), TALK, "sft", "aborts"),
    Case("history of one", talk(history=[["a"]]), TALK, "sft", "aborts"),
    Case("history null pair", talk(history=[None]), TALK, "sft", "aborts"),
    Case("history null answer", talk(history=[["a", None]]), TALK, "sft", "aborts"),
    Case("history number", talk(history=[[1, "b"]]), TALK, "sft", "aborts"),
    Case("history of two letters", talk(history=["ab"]), TALK, "sft", "kept"),
    Case("history not mapped", talk(history=[["a"]]), SFT, "sft", "kept"),
    Case("broken history, no output", talk(history=[[1, "b"]], output=None), TALK, "sft", "aborts"),
    Case("null system", talk(system=None), TALK, "sft", "kept"),
    Case("tools empty", sft(tools=""), entry("prompt", "query", "response", "tools"), "sft", "kept"),
    Case("tools not JSON", sft(tools="search"), entry("prompt", "query", "response", "tools"), "sft", "aborts"),
    Case("ranking in sft", pair(), PAIR, "sft", "aborts"),
    Case("kto row in sft", kto(), KTO, "sft", "dropped"),
    Case("pretrain", {"text": "潮汐"}, TEXT, "pt", "kept"),
    Case("pretrain empty", {"text": ""}, TEXT, "pt", "kept"),
    Case("pretrain null", {"text": None}, TEXT, "pt", "kept"),
    Case("pretrain number", {"text": 5}, TEXT, "pt", "aborts"),
    Case("sft row in pt", sft(), SFT, "pt", "kept"),
    Case("first question null in pt", talk(history=[[None, "b"]]), TALK, "pt", "aborts"),
    Case("ranking in pt", pair(), PAIR, "pt", "aborts"),
    Case("preference", pair(), PAIR, "rm", "kept"),
    Case("rejected empty", pair(rejected=""), PAIR, "rm", "kept"),
    Case("rejected null", pair(rejected=None), PAIR, "rm", "dropped"),
    Case("chosen list", pair(chosen=["梨。"]), PAIR, "rm", "dropped"),
    Case("chosen equals rejected", pair(rejected="梨。"), PAIR, "rm", "kept"),
    Case("ranking without chosen", sft(), SFT | {"ranking": True}, "rm", "aborts"),
    Case("rm without ranking", sft(), SFT, "rm", "aborts"),
    Case("ranking null in rm", pair(), PAIR | {"ranking": None}, "rm", "dropped"),
    Case("ranking as text in sft", sft(), SFT | {"ranking": "false"}, "sft", "aborts"),
    Case("kto true", kto(), KTO, "kto", "kept"),
    Case("kto false", kto(kto_tag=False), KTO, "kto", "kept"),
    Case("kto true, output empty", kto(output=""), KTO, "kto", "kept"),
    Case("kto false, output empty", kto(kto_tag=False, output=""), KTO, "kto", "kept"),
    Case("kto true, output null", kto(output=None), KTO, "kto", "kept"),
    Case("kto false, output null", kto(kto_tag=False, output=None), KTO, "kto", "aborts"),
    Case("kto number output", kto(output=3), KTO, "kto", "aborts"),
    Case("kto tag as text", kto(kto_tag="true"), KTO, "kto", "dropped"),
    Case("kto tag as number", kto(kto_tag=1), KTO, "kto", "dropped"),
    Case("kto tag null", kto(kto_tag=None), KTO, "kto", "dropped"),
    Case("kto tag null, output null", kto(kto_tag=None, output=None), KTO, "kto", "aborts"),
    Case("kto tag null, output empty", kto(kto_tag=None, output=""), KTO, "kto", "aborts"),
    Case("kto without output mapped, untagged", kto(kto_tag=1), entry("prompt", "kto_tag"), "kto", "dropped"),
    Case("sft row in kto, output empty", sft(output=""), SFT, "kto", "dropped"),
    Case("kto without output mapped", kto(), entry("prompt", "kto_tag"), "kto", "aborts"),
    Case("sft row in kto", sft(), SFT, "kto", "dropped"),
    Case("image and placeholder", seen(), SEEN, "sft", "kept"),
    Case("image as one text", seen(images="1.png"), SEEN, "sft", "kept"),
    Case("image as a number", seen(images=[3]), SEEN, "sft", "aborts"),
    Case("image inside a list", seen(images=[["1.png"]]), SEEN, "sft", "aborts"),
    Case("images null in pt", seen(images=[None]), SEEN, "pt", "kept"),
    Case("image without placeholder", seen(instruction="What?"), SEEN, "sft", "aborts"),
    Case("placeholder without image", seen(images=[]), SEEN, "sft", "aborts"),
    Case("no image, no placeholder", seen(instruction="What?", images=[]), SEEN, "sft", "kept"),
    Case("no images value", seen(instruction="What?", images=None), SEEN, "sft", "kept"),
    Case("empty path", seen(images=""), SEEN, "sft", "aborts"),
    Case("null among paths", seen(images=["1.png", None]), SEEN, "sft", "aborts"),
    Case("placeholder in the output", seen(output="Use <image>."), SEEN, "sft", "aborts"),
    Case("image in the output alone", seen(instruction="Draw.", output="<image>"), SEEN, "sft", "kept"),
    Case(
        "placeholder in history",
        talk(history=[["<image>", "A pear."]], images=["1.png"]),
        entry("prompt", "query", "response", "system", "history", "images"),
        "sft",
        "kept",
    ),
    Case(
        "placeholder in the system prompt",
        talk(system="<image>", images=["1.png"]),
        entry("prompt", "query", "response", "system", "history", "images"),
        "sft",
        "aborts",
    ),
    Case("video placeholder", seen(instruction="<image><video>"), SEEN, "sft", "aborts"),
    Case("literal placeholder, no media mapped", sft(output="<image>"), SFT, "sft", "kept"),
    Case("image without output", seen(instruction="What?", output=None), SEEN, "sft", "dropped"),
    Case("images in pt", seen(instruction="What?"), SEEN, "pt", "kept"),
    Case(
        "preference with image",
        pair(instruction="<image>", images=["1.png"]),
        entry("prompt", "chosen", "rejected", "images", ranking=True),
        "rm",
        "kept",
    ),
    Case(
        "placeholder in rejected",
        pair(instruction="<image>", rejected="<image>", images=["1.png"]),
        entry("prompt", "chosen", "rejected", "images", ranking=True),
        "rm",
        "aborts",
    ),
    Case(
        "kto image in the answer",
        kto(instruction="Draw.", output="<image>", images=["1.png"]),
        entry("prompt", "response", "kto_tag", "images"),
        "kto",
        "aborts",
    ),
)
