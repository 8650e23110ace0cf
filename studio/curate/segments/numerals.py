"""Numbers as labels and references write them: 3, ３, 03, 三, 十二."""

from __future__ import annotations

HAN = "一二三四五六七八九"
"""Han digits from 1."""
PATTERN = rf"\d{{1,3}}|[{HAN}十]{{1,3}}"
"""A number of a label: up to three digits, or Han numerals up to 99."""

_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def value(digits: str) -> int:
    """What `digits` means; -1 for what is no number, such as "十十"."""
    if digits.isdecimal():
        return int(digits)
    tens, ten, ones = digits.partition("十")
    if not ten:
        return HAN.find(digits) + 1 or -1 if len(digits) == 1 else -1
    if len(tens) > 1 or len(ones) > 1 or (tens + ones).strip(HAN):
        return -1
    return 10 * (HAN.index(tens) + 1 if tens else 1) + (HAN.index(ones) + 1 if ones else 0)


def written(number: int, like: str) -> str:
    """`number` in the manner of another one: Han, full-width, or as many digits as that with leading zeros."""
    if not like.isdecimal():
        return _han(number)
    digits = str(number).zfill(len(like)) if like[0] in "0０" else str(number)
    return digits if like.isascii() else digits.translate(_WIDE)


def _han(number: int) -> str:
    """Han numerals; above 99, where labels have none, plain digits."""
    tens, ones = divmod(number, 10)
    if not 0 < number < 100:
        return str(number)
    head = "" if not tens else "十" if tens == 1 else f"{HAN[tens - 1]}十"
    return head + (HAN[ones - 1] if ones else "")
