"""Phrases that refer to a segment by its place or label: such a row would become wrong if segments moved."""

from __future__ import annotations

import re

_NOUN = r"(?:documents?|docs?|passages?|paragraphs?|articles?|excerpts?|snippets?|segments?|sources?|contexts?)"
_ORDINAL = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d{1,3}(?:st|nd|rd|th)|last|final|middle"
    r"|opening|closing|next|previous|preceding|former|latter)"
)
_COUNT = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|\d{1,3})"
_HAN_NOUN = r"(?:文档|文件|文章|段落|资料|材料|文献|来源|片段|段|篇)"
_HAN_NUMBER = r"(?:\d{1,3}|[一二三四五六七八九十]{1,3})"
_MEASURE = r"(?:个|份|条|则)?"
# "写下一段话" and "以下两段" name no place; "材料一共" and "文章三篇" are no labels.
_PHRASES = re.compile(
    rf"\b{_ORDINAL} (?:{_COUNT} |few )?{_NOUN}\b"
    rf"|\b{_NOUN}[ ]*(?:no\.|number|nr\.?|#)?[ ]*(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\d{{1,3}}\b|{_COUNT}\b)"
    rf"|(?:倒数)?第[ ]?{_HAN_NUMBER}[ ]?{_MEASURE}{_HAN_NOUN}"
    rf"|(?<![以写记留念])[上下前后][一二两三四五几\d]{_MEASURE}{_HAN_NOUN}"
    rf"|(?:最后|最末|开头|结尾|中间|首|末)(?:的)?[一二两三四五几\d]?{_MEASURE}{_HAN_NOUN}"
    rf"|{_HAN_NOUN}[ ]?(?:\[[ ]?{_HAN_NUMBER}[ ]?\]|【{_HAN_NUMBER}】|[（(]{_HAN_NUMBER}[）)]|\d{{1,3}})"
    r"|(?:文档|文章|段落|资料|材料|文献|来源|片段)[一二三四五六七八九十]{1,3}(?![个篇段份条则起共开样般些定直旦方切致律同边并])"
    r"|(?<![\w\])])\[\d{1,3}\](?!\()|【\d{1,3}】",
    re.IGNORECASE,
)


def refers_by_position(*texts: str) -> str | None:
    """The first phrase in `texts` that names a segment by place or label, or None.

    texts: what surrounds the segments, such as instruction, prefix, suffix and output. The phrase is the evidence
    to show: "the first document" gives "first document", "根据文档2" gives "文档2".
    """
    for text in texts:
        found = _PHRASES.search(text)
        if found:
            return found[0].strip()
    return None
