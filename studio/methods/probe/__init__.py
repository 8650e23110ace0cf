"""The position probe, after Lost in the Middle (Liu et al. 2023, arXiv 2307.03172), pure.

Does a model use what stands in the middle of its input as well as what stands at the head and tail?

    tasks        a setup -> the questions, each sample with its answer at every position -> messages
    facts        what the documents of a question tell: invented, drawn by seed
    judgement    a reply -> right or wrong
    curve        answers -> right answers by position, with intervals -> weights for placement
    verdict      a curve -> in words: a U, where it is weakest, whether that is more than chance
    drawing      a curve -> bars of text
    prompts      the prompt files
"""

from __future__ import annotations

from studio.methods.probe.curve import Curve, Point, weights_by_decile

__all__ = ["Curve", "Point", "weights_by_decile"]
