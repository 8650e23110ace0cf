"""Bitmaps that bound how many tokens two long texts can have in common (bitmap filter: Sandes et al. 2020).

Comparing two texts of a thousand tokens costs tens of microseconds, comparing their bitmaps half of one. Texts that are
about the same length share common words, so the prefix filter alone lets too many of them pass.
"""

from __future__ import annotations

from collections import Counter

LONG = 64
"""From so many tokens on a signature is cheaper than the comparison it saves."""
_BITS_A_TOKEN = 8


class Signature:
    """The tokens of one text as bits: each occurrence flips the bit that the token and its ordinal choose."""

    def __init__(self, codes: str) -> None:
        seen: Counter[str] = Counter()
        self._features: list[int] = []
        for code in codes:
            self._features.append(hash((ord(code), seen[code])))
            seen[code] += 1
        self._bitmaps: dict[int, int] = {}

    def bits(self, width: int) -> int:
        """The bitmap folded into `width` bits, a power of two.

        The bits in which two bitmaps of equal width differ are at most the occurrences one text has and the other
        has not.
        """
        bitmap = self._bitmaps.get(width)
        if bitmap is None:
            flipped = bytearray(width // 8)
            for feature in self._features:
                place = feature & (width - 1)
                flipped[place >> 3] ^= 1 << (place & 7)
            bitmap = self._bitmaps[width] = int.from_bytes(flipped, "little")
        return bitmap


def width(size: int) -> int:
    """How many bits tell texts of `size` tokens apart well."""
    return 1 << (size * _BITS_A_TOKEN - 1).bit_length()
