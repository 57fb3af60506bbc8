"""The certificates of a listener."""

from dataclasses import dataclass
from datetime import datetime

from diagnosis.series import Missing


@dataclass(frozen=True, slots=True)
class CertificateDetails:
    """What AWS Certificate Manager says of a certificate.

    `status` is its word (ISSUED, EXPIRED, REVOKED ...), `kind` AMAZON_ISSUED, IMPORTED or PRIVATE. `domains`
    are the names it is good for, bounded where they are read. `brought` is when it was issued or imported,
    `renewal` the state of its managed renewal where it has one.
    """

    status: str
    kind: str
    domains: tuple[str, ...]
    not_before: datetime | None
    not_after: datetime | None
    brought: datetime | None = None
    in_use: bool = True
    renewal: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that the listener on a port presents.

    It is the `default` where a client names no host that another one fits. `details` are Missing where they
    cannot be read, as of a server certificate that IAM keeps.
    """

    arn: str
    port: int
    default: bool
    details: CertificateDetails | Missing
