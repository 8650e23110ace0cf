"""Replies that were paid for by earlier versions are found again: the requests have the keys they had there.

The keys were written down as these requests were sent before methods were what they are (`methods.asking`), with
prompts of the test's own, so that better words in the shipped ones change nothing here.
"""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.methods.asking import Task
from studio.methods.evol_instruct.method import EvolInstruct
from studio.methods.evol_instruct.prompts import OPERATIONS
from studio.methods.gold_judge import GoldJudge
from studio.methods.probe.method import Probe
from studio.methods.templates import PromptSet, Template
from studio.settings import EvolveSettings, PositionSettings, ProbeSettings
from tests.support.method_engine import Project, Start, driven, request_of

PARENTS = {"en": Sft("Sort the fruits.", "pear, fig"), "zh": Sft("给水果排序。", "梨、无花果")}
SAID = {
    "en": ["Sort five fruits by weight.", "Figs come first.", "Not Equal"],
    "zh": ["按重量给五种水果排序。", "无花果在前。", "不相等"],
}
EVOLVED = {
    ("en", "standard"): (
        "8093a82ebb496a9d05a654fb354be5bb", "26b0a7d5895b365ecdeac7548915fa72", "7afe9c3dd34282bd29030ef81b91588f"
    ),
    ("en", "small"): (
        "8efebf97f9e0a957d6d9220bcb1bb0e8", "a6ff9d0ad00625615aa032fc20be2cfc", "8ab6452ace0cc9b720e6476f5692e191"
    ),
    ("zh", "standard"): (
        "ef63eb14bc65863e3d87506cc09a11b3", "a8ca88aefe7c1f75306abdfb3f4c6ae6", "2616f56649e0d91dfd641e8970153e44"
    ),
    ("zh", "small"): (
        "615b334147cf962ad92dbd5ff46b142a", "681cc44ee5db8b7df8b8249f85ad7d90", "50f753674dff74c9d7c9e964e70e103f"
    ),
}  # fmt: skip
PROBED = {
    ("kv", "en", "standard"): "c072f44a3bcda633eb7f503e4db5046d",
    ("kv", "en", "small"): "901393b88c347f563bc26b42c182d2f0",
    ("kv", "zh", "standard"): "816585dca295198457ded6176efa1927",
    ("kv", "zh", "small"): "f57db3f8493ae0a688cde0a5ea966921",
    ("documents", "en", "standard"): "762cb379950244b9d525cb9b8beb7a7a",
    ("documents", "en", "small"): "9da7db4096cffaa048f2c38fcb76e2b0",
    ("documents", "zh", "standard"): "46be110d5fa226eeee1b7beac4e16215",
    ("documents", "zh", "small"): "fe7a689375fa988058195dfe9ebc3edc",
}
SEGMENTED = {
    "en": Sft(
        "Where is the lamp?",
        "Document [1] The lamp was lit in 1904.\nDocument [2] Nine boats were built.",
        "In the harbour.",
    ),
    "zh": Sft("灯塔在哪里？", "文档 [1] 灯塔在港口。\n文档 [2] 九条船。", "在港口。"),
}
JUDGED = {
    ("en", "standard"): "5edace200576e4b45b64e262e434a87f",
    ("en", "small"): "4550c175cd473965cc713d17df5c8edc",
    ("zh", "standard"): "2b0aa2f1d7094b08210c2154147768a5",
    ("zh", "small"): "9d3a555c49df5a4090e6359ce2e2fecd",
}


def keys(start, task, answers=None):
    asks, _ = driven(start.method.attempt(task, start), answers)
    return tuple(request_of(ask, task).key() for ask in asks)


def own(language, profile, prompts):
    return PromptSet(language, profile, {name: Template("", (), text) for name, text in prompts.items()})


def evolving(language, profile):
    prompts = {name: f"{language} {profile} {name}: {{instruction}}" for name in (*OPERATIONS, "answer")}
    return own(language, profile, prompts | {"judge": f"{language} {profile} judge: {{first}} {{second}}"})


def probing(language, profile):
    prompts = {name: f"{language} {profile} {name}: {{context}} {{asked}}" for name in ("kv", "documents")}
    return own(language, profile, prompts)


def judging(language, profile):
    return own(language, profile, {"judge": f"{language} {profile}: {{segments}} {{question}} {{answer}}"})


@pytest.mark.parametrize(("language", "profile"), EVOLVED)
def test_of_evolutions(language, profile):
    project, settings = Project([]), EvolveSettings(seed=5, temperature=0.6)
    for _ in range(7):
        project.add(PARENTS[language], status="accepted", seed=True, generated=False)
    start = Start(EvolInstruct(), project, None, settings, profile=profile, own=evolving)
    assert keys(start, Task((3, 7), row=7, round=3), SAID[language]) == EVOLVED[language, profile]


@pytest.mark.parametrize(("task", "language", "profile"), PROBED)
def test_of_probes(task, language, profile):
    room = 50 if language == "zh" else 0
    settings = ProbeSettings(task=task, language=language, samples=2, positions=3, thinking_room=room)
    start = Start(Probe(), Project([]), None, settings, profile=profile, own=probing)
    middle = list(start.method.tasks(start))[4]
    assert keys(start, middle) == (PROBED[task, language, profile],)


@pytest.mark.parametrize(("language", "profile"), JUDGED)
def test_of_verdicts(language, profile):
    project = Project([])
    row = project.add(SEGMENTED[language], generated=False)
    start = Start(GoldJudge([row]), project, None, PositionSettings(), profile=profile, own=judging)
    assert keys(start, Task((row,), row=row)) == (JUDGED[language, profile],)
