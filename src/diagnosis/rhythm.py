"""The shape of a disturbance in time: steady, in bursts, over, or worse when there is little traffic."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from diagnosis.shift import Span

# A minute is elevated when it stands out of the baseline and reaches a fifth of the worst minute.
ELEVATED_DEVIATIONS = 4.0
ELEVATED_SHARE_OF_PEAK = 0.2
# Bursts are told apart by at least this many quiet minutes.
QUIET_BETWEEN_BURSTS = 2
# Quiet for this many complete minutes means that the disturbance is over.
QUIET_MEANS_OVER = 3
SAWTOOTH_BURSTS = 3
SAWTOOTH_BUSY_SHARE = 0.65


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`bursts` runs of elevated minutes; `busy_share` of the minutes since the onset were elevated.

    `last_elevated` is the index of the last elevated minute of the window; `fading` means that the errors
    shrink by themselves.
    """

    bursts: int
    busy_share: float
    last_elevated: int
    quiet_minutes: int
    fading: bool

    @property
    def sawtooth(self) -> bool:
        """Whether the errors come and go."""
        return self.bursts >= SAWTOOTH_BURSTS and self.busy_share <= SAWTOOTH_BUSY_SHARE

    @property
    def over(self) -> bool:
        """Whether the newest minutes are quiet again."""
        return self.quiet_minutes >= QUIET_MEANS_OVER and not self.sawtooth


def rhythm(counts: Sequence[float], span: Span) -> Rhythm:
    """Read the shape of an error count from the onset to the end of the window."""
    mean, since = _usual(counts, span), list(counts[span.onset :])
    elevated = _elevated(counts, span)
    last = max((index for index, high in enumerate(elevated) if high), default=0)
    return Rhythm(
        bursts=_runs(elevated),
        busy_share=sum(elevated) / max(1, len(elevated)),
        last_elevated=span.onset + last,
        quiet_minutes=len(since) - 1 - last if since else 0,
        fading=_fades([value - mean for value in since]),
    )


def in_bursts(
    levels: Sequence[float | None], counts: Sequence[float], span: Span
) -> tuple[float | None, ...]:
    """A gauge without the quiet minutes between bursts of the counts, which tell nothing of the bursts."""
    high = _elevated(counts, span)
    return (
        *levels[: span.onset],
        *(level if burst else None for level, burst in zip(levels[span.onset :], high, strict=True)),
    )


def _usual(counts: Sequence[float], span: Span) -> float:
    quiet = counts[span.first : span.onset] or (0.0,)
    return sum(quiet) / len(quiet)


def _elevated(counts: Sequence[float], span: Span) -> list[bool]:
    mean, since = _usual(counts, span), counts[span.onset :]
    floor = max(
        mean + ELEVATED_DEVIATIONS * math.sqrt(mean + 0.25),
        ELEVATED_SHARE_OF_PEAK * (max(since, default=0.0) - mean) + mean,
    )
    return [value > floor for value in since]


def _runs(elevated: Sequence[bool]) -> int:
    runs, quiet = 0, QUIET_BETWEEN_BURSTS
    for high in elevated:
        if high and quiet >= QUIET_BETWEEN_BURSTS:
            runs += 1
        quiet = 0 if high else quiet + 1
    return runs


def _fades(excess: Sequence[float]) -> bool:
    """The last third is under half of the first third, in at least four minutes."""
    if len(excess) < 4:
        return False
    third = max(1, len(excess) // 3)
    return sum(excess[-third:]) < 0.5 * sum(excess[:third])


def correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Pearson's correlation, 0.0 where one side does not vary."""
    pairs = list(zip(left, right, strict=True))
    count = len(pairs)
    if count < 3:
        return 0.0
    mean_left, mean_right = sum(left) / count, sum(right) / count
    both = sum((a - mean_left) * (b - mean_right) for a, b in pairs)
    spread = math.sqrt(sum((a - mean_left) ** 2 for a in left) * sum((b - mean_right) ** 2 for b in right))
    return both / spread if spread else 0.0
