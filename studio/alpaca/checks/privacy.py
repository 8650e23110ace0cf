"""Rules about what a person would not want taught: addresses, numbers, keys. They look real; none can be proved."""

from __future__ import annotations

import re

from studio.alpaca.checks.rule import AT, DIGITS, EVERY, KEY, MANY_DIGITS, Finding, Findings, Rule, Texts
from studio.alpaca.rows import Row

_EMAIL = re.compile(
    r"(?<![\w.+\-/@])([A-Za-z0-9][\w.+\-]{0,63})@((?:[A-Za-z0-9\-]{1,63}\.)+[A-Za-z]{2,24})(?![\w@])", re.ASCII
)
_MADE_UP_DOMAIN = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|local|domain|website|yourdomain|yourcompany|company|email|mail|xyz|abc\w*|acme"
    r"|sample|anywhere|somewhere|placeholder|xxx*)(?:\.\w+)*$",
    re.IGNORECASE,
)
_MADE_UP_NAME = re.compile(
    r"^(?:you|your\w*|user\w*|name|username|email|someone|somebody|test\w*|example|sample|foo|bar|abc|xyz|info|support|contact"
    r"|admin|alerts?|notifications?|hello|sales|help|no-?reply|customerservice|service|hr|jobs|careers|press|webmaster|office|john|jane|johndoe|janedoe"
    r"|(?:john|jane)[._]?(?:doe|smith)\w*|git)$",
    re.IGNORECASE,
)


def _email(row: Row, texts: Texts) -> Findings:
    for field, text in texts:
        if "@" in text:
            for hit in _EMAIL.finditer(text):
                if not _MADE_UP_DOMAIN.search(hit[2]) and not _MADE_UP_NAME.match(hit[1]):
                    yield Finding(field, f"{hit[0]} looks like a person's e-mail address", hit.span())
                    break


_MOBILE = re.compile(r"(?<![\d.\-])(?:\+?86[\s-]?)?(1[3-9]\d)([\s-]?)(\d{4})\2(\d{4})(?![\d.])")
_LANDLINE = re.compile(r"(?<![\d.\-])\(?0(?:10|2\d|[3-9]\d\d)\)?[\s-]\d{4}[\s-]?\d{3,4}(?![\d-])")
_AMERICAN = re.compile(r"(?<![\d.\-/])(?:\+?1[\s.-])?\(?([2-9]\d\d)\)?[\s.-]([2-9]\d\d)[.-](\d{4})(?![\d-])")
_INTERNATIONAL = re.compile(r"(?<![\w.])\+(?!86|1[\s.-])\d{1,3}[\s-]\(?\d{1,4}\)?(?:[\s-]\d{2,4}){2,4}(?!\d)", re.ASCII)
_COUNTING = "01234567890123456789"


# Begins with a plain class, which `re` looks for quickly; the patterns above begin with a look behind.
_MAYBE_PHONE = re.compile(r"[0-9][0-9 .()\-]{5,20}[0-9]")


def _made_up(digits: str) -> bool:
    """Numbers nobody has: counting up, one digit over and over, the ones every textbook uses."""
    tail = digits[-8:]
    return tail in _COUNTING or tail in _COUNTING[::-1] or len(set(tail)) <= 2 or digits.endswith("00138000")


def _phone(row: Row, texts: Texts) -> Findings:
    for field, text in texts:
        if _MAYBE_PHONE.search(text) is None:
            continue
        for pattern in (_MOBILE, _LANDLINE, _AMERICAN, _INTERNATIONAL):
            hit = pattern.search(text)
            if hit is None or _made_up(re.sub(r"\D", "", hit[0])):
                continue
            # Exchange 555 is kept free for stories in North America.
            if pattern is _AMERICAN and "555" in (hit[1], hit[2]):
                continue
            yield Finding(field, f"{hit[0].strip()} looks like a telephone number", hit.span())
            break


_IDENTITY = re.compile(r"(?<!\d)\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _identity_number(row: Row, texts: Texts) -> Findings:
    """Chinese resident identity numbers whose check character is right (GB 11643, ISO 7064 MOD 11-2)."""
    for field, text in texts:
        for hit in _IDENTITY.finditer(text):
            total = sum(int(digit) * weight for digit, weight in zip(hit[0][:17], _WEIGHTS, strict=True))
            if "10X98765432"[total % 11] == hit[0][17].upper():
                yield Finding(field, f"{hit[0]} is a valid Chinese identity number", hit.span())
                break


_SECRET = re.compile(
    r"(?<![\w-])(?:"
    r"sk-(?:proj-|ant-[a-z0-9]+-|or-v1-)?[A-Za-z0-9_-]{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{50,}|glpat-[\w-]{20,}"
    r"|LTAI[A-Za-z0-9]{16,20}|AKID[A-Za-z0-9]{32}"
    r"|xox[abprs]-[\w-]{20,}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30,}"
    r"|eyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,})(?![\w-])"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    re.ASCII,
)


def _secret(row: Row, texts: Texts) -> Findings:
    for field, text in texts:
        hit = _SECRET.search(text)
        # A placeholder such as sk-xxxxxxxx has few different characters.
        if hit and len(set(hit[0])) > 10 and "EXAMPLE" not in hit[0]:
            yield Finding(field, f"{hit[0][:8]}… looks like a secret key", hit.span())


PRIVACY: tuple[Rule, ...] = (
    Rule("email", "warning", "An e-mail address that may be somebody's.", EVERY, _email, signs=AT),
    Rule("phone", "warning", "A telephone number that may be somebody's.", EVERY, _phone, signs=DIGITS),
    Rule(
        "identity-number",
        "warning",
        "A Chinese identity number with a right check character.",
        EVERY,
        _identity_number,
        signs=MANY_DIGITS,
    ),
    Rule("secret-key", "warning", "An API key or private key.", EVERY, _secret, signs=KEY),
)
