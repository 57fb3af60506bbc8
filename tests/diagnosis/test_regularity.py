"""Events on the minute, told from events by chance."""

import pytest
from scipy import stats

from diagnosis.regularity import beat, evenness
from lab.draw import Draw


def test_the_same_count_every_minute_is_far_too_even_for_chance() -> None:
    assert evenness([2.0] * 20) > 5.0


@pytest.mark.parametrize("seed", range(12))
def test_counts_by_chance_are_not_even(seed: int) -> None:
    stream = Draw("evenness", seed)
    assert evenness([stream.count(2.0) for _ in range(30)]) < 3.0


def test_evenness_is_the_normal_deviate_of_the_chi_square() -> None:
    counts = [3, 4, 3, 2, 3, 3, 4, 3, 2, 3, 3, 3]
    mean = sum(counts) / len(counts)
    squares = sum((count - mean) ** 2 for count in counts) / mean
    exact = -stats.norm.ppf(stats.chi2.cdf(squares, len(counts) - 1))
    assert evenness(counts) == pytest.approx(exact, rel=0.05)


def test_a_few_minutes_are_too_few_to_tell() -> None:
    assert evenness([1.0] * 7) == 0.0
    assert evenness([0.0] * 30) == 0.0


def test_one_error_every_five_minutes_is_a_beat() -> None:
    assert beat([1, 0, 0, 0, 0] * 6) == 5


def test_a_prober_that_tries_again_keeps_its_beat() -> None:
    assert beat([2, 0, 0, 1, 0, 0, 3, 0, 0, 2, 0, 0, 2]) == 3


@pytest.mark.parametrize(
    "counts",
    [
        [1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1],
        [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        [40, 0, 0, 0, 0] * 6,
        [0] * 30,
        [1] * 30,
    ],
    ids=["by chance", "too few beats", "a job that fails many times", "nothing", "every minute"],
)
def test_other_series_have_no_beat(counts: list[float]) -> None:
    assert beat(counts) is None
