"""Who was refused: how many clients, countries and paths, and whether their requests look like attacks."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from diagnosis.systems.firewall import SAMPLE, BlockedRequest, BlockedRequests

# Fewer requests than these tell nothing of who sends them.
FEWEST_TELLING = 5
MANY_CLIENTS, FEW_CLIENTS = 20, 10
LARGE_SHARE, SMALL_SHARE = 0.5, 0.1
# What is read is somebody else's text, and there are a thousand of it.
LONGEST_JUDGED = 256
# A request line that no ordinary page or form makes: injections, traversals, probes for well-known weak
# paths (OWASP Web Security Testing Guide, injection and configuration testing).
_ATTACK = re.compile(
    r"\bunion\b.{0,40}\bselect\b|\b(?:or|and)\b\s+['\"]?\d+['\"]?\s*=\s*['\"]?\d|'\s*(?:or|and)\s+['\"\d]|'\s*(?:--|;)\s*(?:$|--|drop|select)|information_schema"
    r"|\b(?:sleep|benchmark|pg_sleep|extractvalue|load_file)\s*\(|xp_cmdshell|<\s*script|javascript:|onerror\s*="
    r"|\.\./|\.\.\\|/etc/(?:passwd|shadow)|win\.ini|\$\{\s*jndi|\$\{.{0,20}lower|;\s*(?:cat|wget|curl|id)\b|\|\s*(?:id|whoami)\b"
    r"|/\.(?:env|git|aws|svn|ssh|ds_store)\b|/wp-config|xmlrpc\.php|phpmyadmin|/phpunit"
    r"|/cgi-bin/|/actuator/(?:env|heapdump|gateway)|/vendor/.{0,60}\.php|/boaform|/HNAP1|/solr/admin|/manager/html"
    r"|\.(?:bak|sql|old|swp)(?:$|\?)|%00|\x00|class\.module\.classloader",
    re.IGNORECASE,
)
_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_SCANNER = re.compile(
    r"sqlmap|nikto|nmap|masscan|zgrab|nuclei|dirbuster|gobuster|feroxbuster|ffuf|wpscan|acunetix|nessus|openvas"
    r"|hydra|burp|w3af|jaeles|l9explore|censys|shodan",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Those whose requests were refused, from the `seen` that were read; shares are of these, 0 to 1.

    `of` is how many the rule blocked in that time by its own figures.
    """

    read: BlockedRequests
    seen: int
    of: int
    clients: int
    countries: tuple[str, ...]
    paths: int
    busiest_client: float
    busiest_path: float
    top_path: str
    attacks: float
    signed_in: float

    @property
    def telling(self) -> bool:
        """Whether there are enough of them to tell."""
        return self.seen >= FEWEST_TELLING

    @property
    def hostile(self) -> bool:
        """Whether many of the requests look like attacks."""
        return self.telling and self.attacks >= LARGE_SHARE

    @property
    def harmless(self) -> bool:
        """Whether hardly any of the requests looks like an attack."""
        return self.telling and self.attacks < SMALL_SHARE

    @property
    def many(self) -> bool:
        """Whether they are as many as the users of a service are."""
        return self.clients >= MANY_CLIENTS and self.busiest_client < 0.3

    @property
    def few(self) -> bool:
        """Whether hardly anybody sends them."""
        return self.telling and (self.clients <= FEW_CLIENTS or self.busiest_client >= LARGE_SHARE)

    @property
    def customers(self) -> bool:
        """Whether most of them were signed in, as hardly any attacker is."""
        return self.telling and self.signed_in >= LARGE_SHARE and not self.hostile

    @property
    def of_one_mind(self) -> bool:
        """Whether nearly all want one thing without being signed in, as those do who try passwords."""
        return self.telling and self.busiest_path >= 0.9 and self.signed_in < 0.2

    @property
    def told(self) -> str:
        """How many they are, for people, and how far that can be trusted."""
        countries = f"{len(self.countries)} countries" if len(self.countries) != 1 else self.countries[0]
        people = f"{self.clients:,} clients from {countries} on {_several(self.paths, 'path')}"
        return f"{people} ({self.basis})"

    @property
    def basis(self) -> str:
        """What was read: all of it, or which part."""
        span = f"{self.read.start:%H:%M} to {self.read.end:%H:%M}"
        part = f"{self.seen:,} of {max(self.of, self.seen):,} blocked"
        if self.read.source == SAMPLE and not self.read.complete:
            return f"a sample of {part}, from the first 5,000 requests of {span}"
        return f"{part}, read from {self.read.source}, {span}"

    @property
    def source(self) -> str:
        """The source as a signal names it."""
        return "wafv2 GetSampledRequests" if self.read.source == SAMPLE else f"WAF log in {self.read.source}"


def crowd_of(read: BlockedRequests, found: Sequence[BlockedRequest], of: float) -> Crowd | None:
    """Those who sent the requests, which are some of what was read; None without any.

    `of` is how many were blocked in that time.
    """
    if not found:
        return None
    whole = sum(each.weight for each in found) or 1.0
    clients, paths, countries = (
        _weighed(found, part) for part in (lambda each: each.client, path_of, lambda each: each.country or "")
    )
    return Crowd(
        read=read,
        seen=len(found),
        of=round(of),
        clients=len(clients),
        countries=tuple(name for name, _ in countries.most_common() if name),
        paths=len(paths),
        busiest_client=clients.most_common(1)[0][1] / whole,
        busiest_path=paths.most_common(1)[0][1] / whole,
        top_path=paths.most_common(1)[0][0],
        attacks=_share(found, attacks, whole),
        signed_in=_share(found, lambda each: each.signed_in, whole),
    )


def attacks(request: BlockedRequest) -> bool:
    """Whether the request line or the sender's own name for itself says that it is an attack."""
    written = request.uri[:LONGEST_JUDGED]
    once = _decoded(written)
    lines = {written, once, _decoded(once)}
    return any(_ATTACK.search(line) for line in lines) or bool(_SCANNER.search(request.agent or ""))


def _decoded(text: str) -> str:
    """A request line without its escapes, byte by byte."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text.replace("+", " "))


def path_of(request: BlockedRequest) -> str:
    """The path without its query."""
    return request.uri.partition("?")[0]


def _weighed(found: Iterable[BlockedRequest], part: Callable[[BlockedRequest], str]) -> Counter[str]:
    weights: Counter[str] = Counter()
    for each in found:
        weights[part(each)] += each.weight  # type: ignore[assignment]  # a Counter adds floats as well
    return weights


def _share(found: Iterable[BlockedRequest], which: Callable[[BlockedRequest], bool], whole: float) -> float:
    return sum(each.weight for each in found if which(each)) / whole


def _several(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
