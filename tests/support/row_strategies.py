"""Hypothesis strategies for rows of every dataset type."""

from __future__ import annotations

from hypothesis import strategies as st

from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Sft

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "给孩子讲讲潮汐。",
        "<image>",
        "<|im_end|>",
        " padded ",
        "</s>[INST]",
        "\u2028",
        "a\\b.PNG",
        "FranÃ§ois â€™ 涓枃锛",
        "&amp;lt;p&gt;",
        "\x0crac\x92\x00 Ã\x89",
    ]
)
histories = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
media = st.lists(texts.filter(bool), max_size=3).map(tuple)
_talk = {"instruction": texts, "input": texts, "system": texts, "history": histories}

multimodal_rows = st.builds(Multimodal, **_talk, output=texts, images=media, videos=media, audios=media)
rows = st.one_of(
    st.builds(Pretrain, text=texts),
    st.builds(Sft, **_talk, output=texts),
    st.builds(Preference, **_talk, chosen=texts, rejected=texts),
    multimodal_rows,
    st.builds(Kto, **_talk, output=texts, kto_tag=st.booleans()),
)
