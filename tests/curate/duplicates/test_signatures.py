from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from studio.curate.duplicates.join.signatures import Signature, width

CODES = st.text("abcdefg写诗海秋", max_size=60)


@given(CODES, CODES, st.sampled_from([8, 32, 512, 4096]))
def test_bitmaps_never_differ_in_more_bits_than_the_texts_in_tokens(left, right, bits):
    counts, others = Counter(left), Counter(right)
    apart = ((counts - others) + (others - counts)).total()
    assert (Signature(left).bits(bits) ^ Signature(right).bits(bits)).bit_count() <= apart


def test_order_does_not_matter_and_repetition_does():
    assert Signature("aab").bits(512) == Signature("baa").bits(512)
    assert (Signature("aaab").bits(4096) ^ Signature("ab").bits(4096)).bit_count() == 2


def test_the_width_is_a_power_of_two_and_grows_with_the_text():
    assert [width(size) for size in (64, 65, 1000)] == [512, 1024, 8192]
