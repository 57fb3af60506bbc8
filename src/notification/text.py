"""Making text from outside harmless: what is shown may neither ping, link, hide nor break anything."""

import re
import unicodedata

ELLIPSIS = "…"
LONGEST_SUBJECT = 99  # SNS API, Publish: a subject has fewer than 100 characters

# By Unicode category: controls, formatting marks (zero-width, soft hyphen, direction of text, tags), lone
# surrogates, line and paragraph separators. Then what counts as a letter or mark and is as empty: fillers,
# joiners and variation selectors.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | frozenset(map(chr, range(0xFE00, 0xFE10)))
_SCHEME = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*)(:)(?=//)")
_WWW = re.compile(r"(?i)\b(www)\.")
_MAILTO = re.compile(r"(?i)\b(mailto):")

# Slack reference, "Formatting message text": exactly these three are escaped, the ampersand first.
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def visible(text: str) -> str:
    """The text without what a reader cannot see; tabs and the like become spaces, line feeds stay."""
    joined = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(each for each in joined if each == "\n" or not _hidden(each))


def one_line(text: str) -> str:
    """The visible text with every run of white space as one space."""
    return " ".join(visible(text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + ELLIPSIS


def defanged(text: str) -> str:
    """Addresses that no mail program and no chat turns into a link: hxxps[:]//, www[.]."""
    without_schemes = _SCHEME.sub(lambda found: f"{_told_apart(found[1])}[:]", text)
    return _WWW.sub(r"\1[.]", _MAILTO.sub(r"\1[:]", without_schemes))


def plain(text: str, limit: int) -> str:
    """One line of prose for plain text."""
    return cut(defanged(one_line(text)), limit)


def escaped(text: str, limit: int) -> str:
    """Escaped for Slack's mrkdwn and then at most `limit` characters; an entity is never cut in two."""
    pieces = [_ESCAPES.get(character, character) for character in text]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    kept, room = [], limit - len(ELLIPSIS)
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + ELLIPSIS


def prose(text: str, limit: int) -> str:
    """One line for mrkdwn. A backtick could open a code block that swallows the rest."""
    return escaped(defanged(one_line(text)).replace("`", "'"), limit)


def code(text: str, limit: int) -> str:
    """Somebody else's word in a code span, where nothing is formatted; an empty one is shown as a dash."""
    return f"`{escaped(one_line(text).replace('`', chr(39)), limit) or '-'}`"


def subject(text: str) -> str:
    """A subject that SNS accepts: one line, begins with a visible character, fewer than 100 characters."""
    line = one_line(text)
    printable = "".join(each for each in line if unicodedata.category(each)[0] != "C").strip()
    return cut(printable, LONGEST_SUBJECT) or "Gateway Triage"


def attribute(value: object) -> str:
    """A word for an SNS attribute, never empty (SNS refuses that): "unknown" where it is not a plain word."""
    word = str(value) if value else "none"
    return word if re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", word) else "unknown"


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN or character in _EMPTY


def _told_apart(scheme: str) -> str:
    """http as hxxp, the way people who handle hostile addresses write it."""
    return re.sub("(?i)^http", "hxxp", scheme)
