"""Figures as people read them."""

from datetime import timedelta

from diagnosis.shift import Level, Shift


def percent(share: float) -> str:
    """A share of 0 to 1 as a percentage, finer when small."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f} %" if value >= 0.1 else f"{value:.2g} %"


def rate(count: float) -> str:
    """Events a minute, without needless digits."""
    return f"{count:,.0f}" if count >= 10 or count == 0 else f"{count:.1f}"


def moved(shift: Shift) -> str:
    """How a count went from before to after the onset."""
    return f"from {rate(shift.before)} to {rate(shift.after)} a minute"


def seconds(level: Level) -> str:
    """How a response time went."""
    if level.before is None or level.after is None:
        return "unknown"
    return f"from {level.before:.2f} s to {level.after:.2f} s"


def ago(before: timedelta) -> str:
    """How long before the onset something happened, in whole minutes."""
    minutes = round(before.total_seconds() / 60)
    if minutes < 0:
        return "as the errors began"
    return f"{minutes} minute{'s' if minutes != 1 else ''} before" if minutes else "in the same minute"
