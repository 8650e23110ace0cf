"""Numbers, ordinals, days and months as texts write them, and the way back: 3, ３, 03, 三, 十二, ③."""

from __future__ import annotations

HAN = "一二三四五六七八九"
"""Han digits from 1."""
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
"""Circled numbers from 1."""
PATTERN = rf"\d{{1,3}}|[{HAN}十]{{1,3}}|[{CIRCLED}]"
"""A number of a label: up to three digits, Han numerals up to 99, or a circled number."""

CARDINALS = "one|two|three|four|five|six|seven|eight|nine|ten"
ORDINALS = r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d{1,3}(?:st|nd|rd|th)"
DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
HAN_DAYS = f"{HAN[:6]}日天"
"""What stands behind 周 and 星期; the last two both name Sunday."""

_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def value(digits: str) -> int:
    """What `digits` means; -1 for what is no number, such as "十十"."""
    if digits.isdecimal():
        return int(digits)
    if len(digits) == 1 and digits in CIRCLED:
        return CIRCLED.index(digits) + 1
    tens, ten, ones = digits.partition("十")
    if not ten:
        return HAN.find(digits) + 1 or -1 if len(digits) == 1 else -1
    if len(tens) > 1 or len(ones) > 1 or (tens + ones).strip(HAN):
        return -1
    return 10 * (HAN.index(tens) + 1 if tens else 1) + (HAN.index(ones) + 1 if ones else 0)


def written(number: int, like: str) -> str:
    """`number` in the manner of another one: Han, circled, full-width, or with as many leading zeros.

    Where that manner has no such number, above 99 in Han and 20 in a circle, plain digits.
    """
    if like.isdecimal():
        digits = str(number).zfill(len(like)) if like[0] in "0０" else str(number)
        return digits if like.isascii() else digits.translate(_WIDE)
    if like in CIRCLED:
        return CIRCLED[number - 1] if 0 < number <= len(CIRCLED) else str(number)
    tens, ones = divmod(number, 10)
    if not 0 < number < 100:
        return str(number)
    head = "" if not tens else "十" if tens == 1 else f"{HAN[tens - 1]}十"
    return head + (HAN[ones - 1] if ones else "")
