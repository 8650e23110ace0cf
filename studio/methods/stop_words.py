"""Words that carry no content of their own, as tokens of studio.text.tokens: function words, English and Chinese.

For Evol-Instruct's rule 3. The Chinese ones are single characters, because that is how Chinese is tokenized.
"""

from __future__ import annotations

_ENGLISH = """
a about above after again against all am an and any are as at be because been before being below between both but by
can could did do does doing don down during each few for from further had has have having he her here hers herself him
himself his how i if in into is it its itself just me more most my myself no nor not now of off on once only or other
our ours ourselves out over own s same she should so some such t than that the their theirs them themselves then there
these they this those through to too under until up very was we were what when where which while who whom why will
with would you your yours yourself yourselves
"""
_CHINESE = "的了和是在就都也与而及或着过之于但这那其我你他她它们个把被让给从向对吗呢吧啊哦嗯呀么"

STOP_WORDS: frozenset[str] = frozenset(_ENGLISH.split()) | frozenset(_CHINESE)
