from __future__ import annotations

import pytest

from studio.alpaca.conversations import convert, shape_of
from studio.alpaca.rows import Kto, Multimodal, Preference, RowError, Sft, parse


def read(obj):
    """The row and extras an object becomes."""
    type, columns = convert(obj)
    return parse(type, columns)


def say(*turns):
    return [{"from": role, "value": text} for role, text in turns]


def chat(*turns):
    return [{"role": role, "content": text} for role, text in turns]


def test_last_exchange_is_the_row_and_earlier_ones_its_history():
    turns = say(("system", "简短"), ("human", "早"), ("gpt", "早上好"), ("human", "几点了"), ("gpt", "八点"))
    row, extras = read({"conversations": turns, "id": "c1"})
    assert row == Sft(instruction="几点了", output="八点", system="简短", history=(("早", "早上好"),))
    assert extras == {"id": "c1"}


def test_openai_messages_with_text_parts():
    turns = chat(
        ("user", [{"type": "text", "text": "Name a "}, {"type": "text", "text": "fruit"}]), ("assistant", "Pear")
    )
    assert read({"messages": turns, "tools": []}) == (Sft(instruction="Name a fruit", output="Pear"), {})


def test_system_prompt_beside_the_turns():
    turns = say(("human", "Hi"), ("gpt", "Hello"))
    assert read({"conversations": turns, "system": "Be brief."})[0].system == "Be brief."


@pytest.mark.parametrize(
    "wrap", [lambda text: {"from": "gpt", "value": text}, str, lambda text: chat(("assistant", text))]
)
def test_chosen_and_rejected(wrap):
    turns = say(("human", "Hi"), ("gpt", "Hello"), ("human", "How many legs has a crab?"))
    row, _ = read({"conversations": turns, "chosen": wrap("Ten."), "rejected": wrap("Six.")})
    assert row == Preference(
        instruction="How many legs has a crab?", chosen="Ten.", rejected="Six.", history=(("Hi", "Hello"),)
    )


@pytest.mark.parametrize("key", ["label", "kto_tag"])
def test_kto(key):
    row, extras = read({"messages": chat(("user", "Hi"), ("assistant", "Hello")), key: False})
    assert row == Kto(instruction="Hi", output="Hello", kto_tag=False)
    assert extras == {}


def test_label_that_is_no_verdict_stays_beside_the_row():
    row, extras = read({"messages": chat(("user", "Hi"), ("assistant", "Hello")), "label": "greeting"})
    assert isinstance(row, Sft)
    assert extras == {"label": "greeting"}


def test_images():
    turns = chat(("user", "<image>What is it?"), ("assistant", "A pear."))
    row, _ = read({"messages": turns, "images": ["pear.png"]})
    assert row == Multimodal(instruction="<image>What is it?", output="A pear.", images=("pear.png",))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "pear.png"}},
        {"type": "image_url", "image_url": "file://pear.png"},
        {"type": "image", "image": "pear.png"},
    ],
)
def test_a_picture_in_a_part_of_a_message_becomes_a_placeholder_and_a_path(part):
    first = chat(("user", [{"type": "text", "text": "Look: "}, part]), ("assistant", "A pear."))
    second = chat(("user", [part, {"type": "text", "text": "梨？"}]), ("assistant", "是。"))
    row, _ = read({"messages": first + second})
    assert row == Multimodal(
        instruction="<image>梨？", output="是。", images=("pear.png",) * 2, history=(("Look: <image>", "A pear."),)
    )


def test_parts_may_leave_their_paths_to_the_column():
    turns = chat(("user", [{"type": "image"}, {"type": "text", "text": "What?"}]), ("assistant", "A pear."))
    row, _ = read({"messages": turns, "images": ["pear.png"]})
    assert row == Multimodal(instruction="<image>What?", output="A pear.", images=("pear.png",))


@pytest.mark.parametrize("tools", [None, "", "[]", " [] ", "null", [], {}])
def test_no_tools_are_no_tools(tools):
    turns = chat(("user", "Hi"), ("assistant", "Hello"))
    assert read({"messages": turns, "tools": tools}) == (Sft(instruction="Hi", output="Hello"), {})


SHARED = chat(("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Legs of a crab?"))


def test_whole_conversations_share_their_prompt():
    obj = {
        "prompt": "Legs of a crab?",
        "chosen": SHARED + chat(("assistant", "Ten.")),
        "rejected": SHARED + chat(("assistant", "Six.")),
        "score_chosen": 8.5,
    }
    row, extras = read(obj)
    assert row == Preference(
        instruction="Legs of a crab?", chosen="Ten.", rejected="Six.", system="Be brief.", history=(("Hi", "Hello"),)
    )
    assert extras == {"prompt": "Legs of a crab?", "score_chosen": 8.5}


def test_whole_conversations_beside_messages():
    obj = {
        "messages": SHARED + chat(("assistant", "Ten.")),
        "chosen": SHARED + chat(("assistant", "Ten.")),
        "rejected": SHARED + chat(("assistant", "Six.")),
    }
    assert read(obj)[0].chosen == "Ten."


@pytest.mark.parametrize("prompt", ["Legs of a crab?", chat(("user", "Legs of a crab?"))])
def test_prompts_and_answers_in_turns(prompt):
    answers = {"chosen": chat(("assistant", "Ten.")), "rejected": chat(("assistant", "Six."))}
    assert read({"prompt": prompt} | answers)[0] == Preference("Legs of a crab?", "", "Ten.", "Six.")
    completion = {"prompt": prompt, "completion": chat(("assistant", "Ten."))}
    assert read(completion)[0] == Sft("Legs of a crab?", "", "Ten.")
    assert read(completion | {"label": False})[0] == Kto(instruction="Legs of a crab?", output="Ten.", kto_tag=False)


def test_seed_task():
    task = {"id": "s1", "instruction": "分类", "instances": [{"input": "梨", "output": "水果"}]}
    assert read(task) == (Sft(instruction="分类", input="梨", output="水果"), {"id": "s1"})


def test_further_instances_of_a_seed_task_stay_beside_the_row():
    instances = [{"input": "梨", "output": "水果"}, {"input": "蟹", "output": "动物"}]
    row, extras = read({"instruction": "分类", "instances": instances})
    assert row.output == "水果"
    assert extras == {"instances": instances}


HI = ("human", "Hi")


@pytest.mark.parametrize(
    ("obj", "field", "problem"),
    [
        ({"conversations": say(HI, ("function_call", "{}"))}, "conversations[1]", "tool"),
        ({"conversations": say(HI, ("gpt", "Hello")), "tools": "[{}]"}, "tools", "tool use"),
        ({"messages": [{"role": "assistant", "content": None, "tool_calls": [{}]}]}, "messages[0]", "tool"),
        ({"conversations": say(HI, HI)}, "conversations[1]", "expected a turn of the assistant, found user"),
        ({"conversations": say(("gpt", "Hello"), HI)}, "conversations[0]", "expected a turn of the user"),
        (
            {"conversations": say(("system", "x"), HI, ("system", "y"))},
            "conversations[2]",
            "expected a turn of the assistant, found system",
        ),
        ({"conversations": say(HI)}, "conversations", "without an answer"),
        ({"conversations": say(("system", "x"))}, "conversations", "no turn besides the system prompt"),
        ({"conversations": []}, "conversations", "found an empty list"),
        ({"conversations": "Hi"}, "conversations", "found text"),
        ({"conversations": [["human", "Hi"]]}, "conversations[0]", "found a list"),
        ({"conversations": say(("narrator", "Hi"))}, "conversations[0].from", 'found "narrator"'),
        ({"conversations": say(("human", 5))}, "conversations[0].value", "found a number"),
        ({"messages": chat(("user", [{"type": "file"}]))}, "messages[0].content[0]", 'found "file"'),
        (
            {"conversations": say(("system", "x"), HI, ("gpt", "Hello")), "system": "y"},
            "system",
            "second one in conversations[0]",
        ),
        (
            {"conversations": say(HI, ("gpt", "Hello")), "chosen": "a", "rejected": "b"},
            "conversations",
            "expected a question last",
        ),
        (
            {"conversations": say(HI), "chosen": {"from": "human", "value": "a"}, "rejected": "b"},
            "chosen",
            "found a turn of the user",
        ),
        ({"conversations": say(HI), "chosen": [], "rejected": "b"}, "chosen", "expected one message, found 0"),
        ({"instruction": "x", "instances": []}, "instances", "at least one object"),
        ({"question": "x"}, "", "found question"),
        (
            {"chosen": chat(("user", "a"), ("assistant", "b")), "rejected": chat(("user", "c"), ("assistant", "d"))},
            "rejected[0]",
            "parts from chosen before the last answer",
        ),
        (
            {"chosen": SHARED, "rejected": SHARED},
            "chosen[3]",
            "found a turn of the user",
        ),
        (
            {"messages": chat(("user", [{"type": "image_url", "image_url": {"url": "https://x.org/a.png"}}]))},
            "messages[0].content[0]",
            "web address",
        ),
        (
            {"messages": chat(("user", [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]))},
            "messages[0].content[0]",
            "save it as a file",
        ),
        (
            {"messages": chat(("user", [{"type": "image"}]), ("assistant", "A pear."))},
            "images",
            "expected the path of each",
        ),
        (
            {"messages": chat(("user", "<image>Hi"), ("assistant", "b")), "images": ["a.png"], "label": True},
            "images",
            "no place in the columns of a kto row",
        ),
        (
            {"messages": chat(("system", [{"type": "image", "image": "a.png"}]), ("user", "b"), ("assistant", "c"))},
            "messages[0]",
            "text alone in the system prompt",
        ),
        ([], "", "found an empty list"),
    ],
)
def test_refused_with_the_reason(obj, field, problem):
    with pytest.raises(RowError) as caught:
        convert(obj)
    assert caught.value.field == field
    assert problem in caught.value.problem


def test_alpaca_objects_need_no_conversion():
    assert shape_of({"instruction": "x", "output": "y"}) == "alpaca"
