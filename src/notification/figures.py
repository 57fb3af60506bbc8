"""Figures, shares and times as people read them."""

from datetime import UTC, datetime


def percent(share: float) -> str:
    """0.0836 as `8.4 %`; two digits that matter, and never zero for what is not."""
    value = share * 100
    if value <= 0:
        return "0 %"
    if value < 0.01:
        return "under 0.01 %"
    if value < 0.995:
        return f"{value:.2g} %"
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def sureness(confidence: float) -> str:
    """A confidence in whole per cent; only certainty is 100 %, and only nothing 0 %."""
    whole = round(confidence * 100)
    if whole >= 100 and confidence < 1:
        return "over 99 %"
    return "under 1 %" if whole == 0 and confidence > 0 else f"{whole} %"


def count(number: int) -> str:
    """1847 as `1,847`."""
    return f"{number:,}"


def clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def date_and_clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """372 as `6 min 12 s`; up to two minutes in seconds."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if whole < 120:
        return f"{whole} s"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
