"""Figures drawn small."""

from cli.figures import number, sparkline


def test_a_sparkline_reaches_from_nought_to_the_highest_figure():
    assert sparkline([0.0, 1.0, 4.0, 8.0], 1) == "▁▂▅█"


def test_a_small_figure_is_seen_beside_a_large_one():
    assert sparkline([0.0, 1.0, 1000.0], 1) == "▁▂█"


def test_several_minutes_share_a_bar_as_high_as_the_highest_of_them():
    assert sparkline([0.0, 0.0, 0.0, 8.0, None, None], 2) == "▁█ "


def test_nothing_but_noughts_is_a_flat_line():
    assert sparkline([0.0, 0.0], 1) == "▁▁"


def test_a_missing_data_point_is_a_dot_among_the_numbers():
    assert [number(each) for each in (4421.0, 0.0, None)] == ["4,421", "0", "."]
