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
        ({"messages": chat(("user", [{"type": "image_url"}]))}, "messages[0].content[0]", 'found "image_url"'),
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
        ([], "", "found an empty list"),
    ],
)
def test_refused_with_the_reason(obj, field, problem):
    with pytest.raises(RowError) as caught:
        convert(obj)
    assert caught.value.field == field
    assert problem in caught.value.problem


def test_alpaca_objects_need_no_conversion():
    assert shape_of({"instruction", "output"}) == "alpaca"
