"""`studio stats`."""

from __future__ import annotations

from studio.cli.output import say, show_json
from studio.session import Session


def show_stats(session: Session, as_json: bool) -> int:
    """Print the project's counts."""
    stats = session.rows.stats()
    if as_json:
        show_json(stats)
        return 0
    say(f"{stats['project']}: {stats['rows']:,} rows, {stats['seeds']:,} seeds, {stats['replies']:,} replies kept")
    say(f"{'':12}{'pending':>10}{'accepted':>10}{'rejected':>10}")
    for type, by_status in stats["types"].items():
        say(f"{type:12}" + "".join(f"{by_status[status]:>10,}" for status in ("pending", "accepted", "rejected")))
    for title, rules in (("eliminated", stats["eliminated"]), ("rejected", stats["rejected"])):
        if rules:
            say(f"{title}: " + ", ".join(f"{n:,} {rule}" for rule, n in rules.items()))
    if stats["pairs"]["all"]:
        say(f"near-duplicate pairs: {stats['pairs']['open']} open of {stats['pairs']['all']}")
    return 0
