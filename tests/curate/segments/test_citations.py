"""Numbers in the texts of whole rows: which of them are references, which are not, and which cannot be told."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.curate.placing.arranging import Arranged, Wish, arrange
from studio.curate.segments.context import context_of
from studio.curate.segments.shapes.custom import compiled

DOCUMENTS = "Document [1] The kiln cracked.\nDocument [2] The weir leaked.\nDocument [3] The loom jammed."
BRACKETS = "[1] The kiln cracked.\n[2] The weir leaked.\n[3] The loom jammed; Section 2 of the Mill Act covers it."
COOKS = "Candidates:\n1. Una, a smith.\n2. Per, a cook.\n3. Ola, a clerk."
FACTS = "Facts about the island:\n1. Ferries sail daily.\n2. The castle shuts early.\n3. Tram 3 costs 40 crowns."
文档 = "文档1：窑裂了。\n文档2：堰漏了。\n文档3：织机卡住了。"
材料 = "材料一：窑裂了。\n材料二：堰漏了。\n材料三：织机卡住了。"


def moved(segments, output, instruction="What happened?", system="", history=()):
    """What the output says when the last segment comes first, or the guard's code."""
    row = Sft(instruction=instruction, input=segments, output=output, system=system, history=tuple(history))
    context = context_of(row)
    if context.guard is not None:
        return context.guard.code
    count = len(context.segments)
    made = arrange(row, context, (count - 1, *range(count - 1)), Wish("shuffle", 1))
    assert isinstance(made, Arranged)
    return made.row.output


@pytest.mark.parametrize(
    ("segments", "output", "expected"),
    [
        (DOCUMENTS, "According to Document 3, 2 mills closed.", "According to Document 1, 2 mills closed."),
        (DOCUMENTS, "Document [3], 2 mills, 1904.", "Document [1], 2 mills, 1904."),
        (DOCUMENTS, "As per document 2, 3% of looms.", "As per document 3, 3% of looms."),
        (DOCUMENTS, "In document 3 or 4 hours later.", "In document 1 or 4 hours later."),
        (DOCUMENTS, "Documents 1 and 3, 2 mills.", "Documents 2 and 1, 2 mills."),
        (DOCUMENTS, "Documents 1, 2, and 3 agree.", "Documents 2, 3, and 1 agree."),
        (DOCUMENTS, "Both document 1 and 2 say so.", "Both document 2 and 3 say so."),
        (DOCUMENTS, "Document 3: 2 mills.", "Document 1: 2 mills."),
        (文档, "据文档1，3月堰漏了。", "据文档2，3月堰漏了。"),
        (文档, "文档1和3都说，2人在场。", "文档2和1都说，2人在场。"),
        (文档, "文档1、2所述。", "文档2、3所述。"),
        (材料, "根据材料一，三人在场。", "根据材料二，三人在场。"),
        (材料, "材料一、三表明堰旧。", "材料二、一表明堰旧。"),
    ],
)
def test_what_a_number_behind_a_reference_counts_stays(segments, output, expected):
    assert moved(segments, output) == expected


@pytest.mark.parametrize(
    ("segments", "output"),
    [
        (DOCUMENTS, "In document 3 or 2 hours later."),
        (DOCUMENTS, "Document 1, 3."),
        (DOCUMENTS, "Documents 1, 3 mills closed."),
        (DOCUMENTS, "From document 1 to document 3 all agree."),
        (DOCUMENTS, "Sources: 1. The kiln 2. The weir"),
        (DOCUMENTS, "Documents [1]-[3] agree."),
        (DOCUMENTS, "[1] to [3] agree."),
        (文档, "文档1、3人在场。"),
        (文档, "共有文档3个。"),
        (文档, "文档[1]至[3]都说。"),
        (材料, "材料一到材料三都说。"),
    ],
)
def test_what_may_count_or_belong_to_a_reference_keeps_the_row(segments, output):
    assert moved(segments, output) == "unclear-reference"


@pytest.mark.parametrize(
    ("segments", "output", "expected"),
    [
        (DOCUMENTS, "It jammed.\nSources: 1, 3", "It jammed.\nSources: 2, 1"),
        (DOCUMENTS, "It jammed. Source: [3]", "It jammed. Source: [1]"),
        (DOCUMENTS, "It jammed [Document 1, 3].", "It jammed [Document 2, 1]."),
        (DOCUMENTS, "Document: 2", "Document: 3"),
        (DOCUMENTS, "**Documents:** 1, 2", "**Documents:** 2, 3"),
        (DOCUMENTS, '{"said": "x", "document_id": 2}', '{"said": "x", "document_id": 3}'),
        (DOCUMENTS, '{"document": "2"}', '{"document": "3"}'),
        (DOCUMENTS, "A jam (Doc. 3), doc. no. 2.", "A jam (Doc. 1), doc. no. 3."),
        (DOCUMENTS, "As Document **2** and **Document 3** say.", "As Document **3** and **Document 1** say."),
        (DOCUMENTS, "As doc-2 and doc_3 say.", "As doc-3 and doc_1 say."),
        (文档, "堰。参考文档：2、3", "堰。参考文档：3、1"),
        (文档, "来源：[2]、[3]", "来源：[3]、[1]"),
        (文档, "参考资料：[2]", "参考资料：[3]"),
        (文档, "第2号文档讲了堰。", "第3号文档讲了堰。"),
        (材料, "一号材料讲了窑。", "二号材料讲了窑。"),
        (FACTS, "Fact 3 says so.", "Fact 1 says so."),
        (COOKS, "Candidate 2, a cook.", "Candidate 3, a cook."),
        (BRACKETS, "The loom [3], document 1.", "The loom [1], document 2."),
    ],
)
def test_forms_of_references_that_are_rewritten(segments, output, expected):
    assert moved(segments, output) == expected


@pytest.mark.parametrize(
    ("segments", "output"),
    [
        (DOCUMENTS, "The loom (3)."),
        (DOCUMENTS, "See #2."),
        (DOCUMENTS, "It jammed, see 3."),
        (DOCUMENTS, "The documents are 2 and 3."),
        (DOCUMENTS, "The right document is 2."),
        (DOCUMENTS, "It jammed.\nSources:\n- 1\n- 3"),
        (DOCUMENTS, "Sources: 1 3"),
        (DOCUMENTS, "Best first: 3 > 1 > 2"),
        (DOCUMENTS, "It is in number 2."),
        (DOCUMENTS, "Bus number 3 is late."),
        (DOCUMENTS, "Answer: 2"),
        (DOCUMENTS, '{"answer": 2}'),
        (DOCUMENTS, '{"id": 2, "said": "leaked"}'),
        (DOCUMENTS, "The loom 【3†source】"),
        (DOCUMENTS, "The loom.<sup>3</sup>"),
        (DOCUMENTS, "It is in document_2.pdf."),
        (DOCUMENTS, "x = a[3];"),
        (DOCUMENTS, "The number of documents is 3."),
        (DOCUMENTS, "Number of sources: 3"),
        (BRACKETS, "See paragraph 3."),
        (BRACKETS, "Under Article 3 all pay."),
        (文档, "堰（2）。"),
        (文档, "答案：2"),
        (文档, "答案在2中。"),
        (文档, "相关文档是2和3。"),
        (文档, "编号为2的那份。"),
        (FACTS, "Only 2 is about a castle."),
        (FACTS, "Those about travel are 1 and 3."),
        (FACTS, "2. The castle shuts early."),
        (FACTS, "Line 2."),
    ],
)
def test_numbers_of_which_it_is_not_certain_keep_the_row(segments, output):
    assert moved(segments, output) == "unclear-reference"


@pytest.mark.parametrize(
    ("segments", "output"),
    [
        (DOCUMENTS, "(1) The kiln, (2) the weir."),
        (DOCUMENTS, "The loom (1904), f(2); 3 of 4."),
        (DOCUMENTS, "The document is 2 pages long; we see 3 looms, 3 > 2.5."),
        (DOCUMENTS, "Section 12 covers it, and so does article 230."),
        (DOCUMENTS, "In the document. 3 looms jammed."),
        (DOCUMENTS, "Bus number 3 takes 2 hours."),
        (BRACKETS, "Section 2 of the Mill Act covers it."),
        (FACTS, "40 crowns."),
        (FACTS, "Tram 3."),
        (FACTS, "Take bus number 3 for 2 stops."),
        (FACTS, "1. Sail.\n2. Walk."),
        (文档, "（1）窑；（2）堰。"),
        (文档, "共3人，风力2级。"),
        (文档, "第一，窑；第二，堰。"),
    ],
)
def test_numbers_of_another_world_stay_as_they_are(segments, output):
    assert moved(segments, output) == output


PEOPLE = '[{"name": "Una Falk", "town": "Visby by the sea"}, {"name": "Per Holm", "town": "Lund in the south"}]'
REVIEWS = "Here are customer reviews:\n1. The lamp hums.\n2. The strap tore.\n3. It came late."


@pytest.mark.parametrize(
    ("segments", "question"),
    [
        (REVIEWS, "What does the third customer review say?"),
        (REVIEWS, "第三条评论说了什么？"),
        ("Candidates:\n- Una, a smith.\n- Per, a cook.\n- Ola, a clerk.", "What does the second candidate do?"),
        (DOCUMENTS, "What do the last two say?"),
        (DOCUMENTS, "What does the second of these say?"),
        (DOCUMENTS, "What does the third short news article say?"),
        (PEOPLE, "What is the second user's town?"),
        (PEOPLE, "第二个用户住在哪里？"),
        (文档, "第二则新闻讲了什么？"),
        (文档, "第二个是什么？"),
        (FACTS, "第2条"),
        (文档, "最后两条说了什么？"),
    ],
)
def test_a_question_that_names_a_place_keeps_the_row(segments, question):
    assert moved(segments, "It leaked.", question) == "names-place"


@pytest.mark.parametrize(
    ("segments", "question"),
    [
        (DOCUMENTS, "Who was the first president after the second world war?"),
        (DOCUMENTS, "What happened in the last two years?"),
        (DOCUMENTS, "When was the second edition of the document printed?"),
        (DOCUMENTS, "In the first or second year, what leaked?"),
        (DOCUMENTS, "What leaked? The first sentence of your answer should name it."),
        (PEOPLE, "What is the last name of the man in Lund?"),
        (REVIEWS, "Who was the first to complain of a strap?"),
        (文档, "第一次世界大战时什么漏了？"),
        (文档, "谁是第一个到的人？"),
        (文档, "第一条铁路在哪里？"),
        (文档, "根据《宪法》第二条，什么漏了？"),
        (文档, "前两年什么漏了？"),
    ],
)
def test_an_ordinal_of_another_world_keeps_no_row(segments, question):
    assert moved(segments, "It leaked.", question) == "It leaked."


def test_the_last_sentence_of_few_shot_examples_is_the_one_to_be_done():
    shots = "Text: It rains.\nLabel: grey\n\nText: It shines.\nLabel: bright\n\nText: It snows.\nLabel:"
    assert moved(shots, "white", "Give the mood of the last sentence.") == "white"


def test_an_earlier_turn_with_labels_of_its_own_stays():
    turn = ("Document [1] Owls hoot.\nDocument [2] Dogs bark.\nWho barks?", "Dogs, see Document [2].")
    after = ("And document [1]?", "Owls, see Document [1].")
    plain = ("Which are about water?", "Document [2].")
    row = Sft(instruction="What jammed?", input=DOCUMENTS, output="Document [3]", history=(plain, turn, after))
    made = arrange(row, context_of(row), (2, 0, 1), Wish("shuffle", 1))
    assert made.row.history == (("Which are about water?", "Document [3]."), turn, after)
    assert made.row.output == "Document [1]"
    inside = Sft(system=DOCUMENTS, instruction="What jammed?", output="The loom", history=(turn,))
    assert context_of(inside).guard.code == "unclear-reference"


def test_another_text_with_labels_of_its_own_keeps_the_row():
    shot = "Document [1] Owls hoot.\nDocument [2] Dogs bark.\nWho barks? Document [2].\nNow answer: what jammed?"
    assert moved(DOCUMENTS, "The loom", shot) == "unclear-reference"


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("Cite sources, e.g. [1] or [1][2].", "Cite sources, e.g. [2] or [2][3]."),
        ("Cite the document like this: Document [2].", "Cite the document like this: Document [3]."),
        ("标注来源，例如[1]或[2]。", "标注来源，例如[2]或[3]。"),
    ],
)
def test_a_pattern_for_citations_is_rewritten_like_any_citation(system, expected):
    """What is meant as a pattern and what is meant as a citation only language tells; as a pattern both will do."""
    row = Sft(instruction="What jammed?", input=BRACKETS, output="The loom [3].", system=system)
    made = arrange(row, context_of(row), (2, 0, 1), Wish("shuffle", 1))
    assert (made.row.system, made.row.output) == (expected, "The loom [1].")


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [("如文档2所说，谁在场？", "如文档3所说，谁在场？"), ("Is it like document 2?", "Is it like document 3?")],
)
def test_what_is_likened_to_a_segment_refers_to_it(instruction, expected):
    row = Sft(instruction=instruction, input=DOCUMENTS if instruction.isascii() else 文档, output="x")
    assert arrange(row, context_of(row), (2, 0, 1), Wish("shuffle", 1)).row.instruction == expected


def test_the_word_of_a_persons_own_label_is_a_noun():
    for text, pattern, question, expected in (
        ("Note 1: elm\nNote 2: fir\nNote 3: ash", r"^Note (?P<number>\d+):", "notes 2, 3", "notes 3, 1"),
        ("便条1：榆\n便条2：杉\n便条3：槐", r"^便条(?P<number>\d+)：", "便条2说什么？", "便条3说什么？"),
    ):
        row = Sft(instruction=question, input=text, output="x")
        context = context_of(row, pattern=compiled(pattern))
        assert arrange(row, context, (2, 0, 1), Wish("shuffle", 1)).row.instruction == expected
