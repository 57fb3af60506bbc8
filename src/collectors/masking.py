"""Takes out of quoted text what may be a secret or may name a person, before anything is kept or told.

Log lines, request lines and recorded requests are written by others, who may put anything into them. Masked
is what looks like one of a known form; the words around it stay, so that the text still tells its tale. Every
pattern is bounded, since the text may be hostile.
"""

import re

HIDDEN = "(not kept)"

# Names under which a secret stands; what follows the word, such as "_hash", belongs to the name.
_NAMED = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key"
    r"|credentials?|signature|session[_-]?id)[\w.-]{0,30}"
)
_QUOTED = r"\\?[\"']"
# Of a header all that follows, up to the quote or brace that ends it.
_VALUE = rf"[^\"'\r\n}}]{{0,16}}(?:{_QUOTED})?[^\"'\r\n}}]{{0,4000}}"
# In their order: what holds others comes first.
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), shown)
    for pattern, shown in (
        (r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.{0,8000}?(?:-----END [A-Z ]{0,30}-----|\Z)", HIDDEN),
        (r"(hooks\.slack\.com/(?:services|workflows)/)[\w/-]{1,200}", rf"\1{HIDDEN}"),
        # user:password@host of a connection string
        (r"(://[^\s/@:\"']{0,128}):[^\s@\"']{1,256}@", rf"\1:{HIDDEN}@"),
        # A header with its value: all of it, since a cookie has several parts.
        (
            rf"(\b(?:proxy-)?authorization|\b(?:set-)?cookie)({_QUOTED})?\s{{0,4}}[:=]\s{{0,4}}{_VALUE}",
            rf"\1\2: {HIDDEN}",
        ),
        (r"\b(Bearer|Basic)\s{1,4}[\w.~+/=-]{16,4000}", rf"\1 {HIDDEN}"),
        (r"\beyJ[\w-]{8,4000}(?:\.[\w-]{0,4000}){0,4}", HIDDEN),
    )
)
# Those in which capital letters count.
_KEYS: tuple[re.Pattern[str], ...] = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,32}\b"),
    re.compile(r"\b(?:gh[opsru]_|github_pat_|glpat-|xox[abeprs]-|[sr]k_(?:live|test)_|AIza)[\w-]{10,200}"),
    # A secret access key: exactly forty characters, mixed.
    re.compile(
        r"(?<![\w/+=.-])(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}[a-z])(?=[^\s]{0,39}\d)[A-Za-z0-9/+]{40}(?![\w/+=.-])"
    ),
)
# In prose a colon needs a space or a quote: the name of a secret in an ARN (":secret:orders/db") is none.
_ASSIGNED = re.compile(
    rf"({_NAMED})((?:{_QUOTED})\s{{0,4}}[:=]\s{{0,4}}|\s{{0,4}}=\s{{0,4}}|:\s{{1,4}})"
    r"(?:\\?\"(?:[^\"\\]|\\[^\"]){0,1000}\\?\"?|'[^']{0,1000}'?|[^\s,;&\"'})\]]{1,1000})",
    re.IGNORECASE,
)
# In a request line only plain characters are a secret: an attack, which begins with others, must stay to see.
_IN_REQUEST = re.compile(
    rf"((?:{_NAMED}|\b(?:auth|code|e-?mail|jwt|sid|sig))=)[\w.~-]{{1,1000}}", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"[\w.+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24}\b"
)
MAIL = "(e-mail address)"


def masked(text: str) -> str:
    """The text without keys, tokens, passwords and e-mail addresses."""
    return _of_known_form(_ASSIGNED.sub(rf"\1\2{HIDDEN}", _headers_and_links(text)))


def masked_request(uri: str) -> str:
    """The path and query of a request without the same; an attack in it stays as it is."""
    return _IN_REQUEST.sub(rf"\1{HIDDEN}", _of_known_form(uri))


def _headers_and_links(text: str) -> str:
    for form, shown in _FORMS:
        text = form.sub(shown, text)
    return text


def _of_known_form(text: str) -> str:
    for form in _KEYS:
        text = form.sub(HIDDEN, text)
    return _ADDRESS.sub(MAIL, _FORMS[-1][0].sub(HIDDEN, text))
