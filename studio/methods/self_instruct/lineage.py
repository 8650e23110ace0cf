"""How Self-Instruct names what became of a row: its operations, and the two rules that are no filter's."""

from __future__ import annotations

METHOD = "self-instruct"
"""What every operation begins with."""
BOOTSTRAP = "self-instruct/bootstrap"
"""The operation of an instruction that was read, and has no instances yet or never gets any."""
ALPACA = "self-instruct/alpaca"
"""The operation of a whole task of the Alpaca variant."""
OUTPUT_FIRST = "self-instruct/output-first"
INPUT_FIRST = "self-instruct/input-first"
"""The operations of instructions whose instances were asked for."""

UNANSWERED = "unanswered"
"""The rule of a new instruction whose input and output have not come yet: it is rejected until they have."""
DECIDED = "decided-meanwhile"
"""What an answer is left for when the person decided about its row while it was asked for."""
REASONS = {
    UNANSWERED: "the instruction is new, and its input and output have not come yet",
    DECIDED: "you decided about the row while its input and output were asked for",
}

PLACES = 8
"""Numbers for the instances of one candidate, more than are kept: its place in the reply times this is its variant."""
