"""The page of the figures."""

from pathlib import Path

from benchmarks.measure import Cold, Warm
from benchmarks.package import Size, component
from benchmarks.page import page
from benchmarks.price import Cost
from benchmarks.record import InTheLab
from benchmarks.result import Result


def _result(told: float, depth: int) -> Result:
    cold, bare = Cold(0.2, 0.4, 0.5), Cold(0.2, 0.1, 0.25)
    return Result(
        python="3.13.0",
        latency=0.05,
        warm=Warm(told, told, told, 0.1, 33),
        without_latency=Warm(0.1, 0.1, 0.1, 0.1, 33),
        chain=[*(f"codedeploy.ListDeployments {{}}#{n}" for n in range(depth - 1)), "sns.Publish#0"],
        lab=InTheLab(2.0, 4.0),
        cold={True: cold, False: cold},
        bare={True: bare, False: bare},
        first_message=0.9,
        calls={"sns.Publish": 1},
        costs=[Cost("CloudWatch GetMetricData", "139 metrics", 0.00139)],
        sizes=[Size("Powertools", 5_600_000, 2_100_000, 2_000_000)],
    )


def test_the_page_says_whether_the_targets_are_met() -> None:
    met, missed = page(_result(0.36, 6)), page(_result(0.7, 7))
    assert "| event to last message, median | 360 ms | at most 600 ms | yes |" in met
    assert "| calls deep, AWS and Slack | 6 | at most 6 | yes |" in met
    assert "| event to last message, median | 700 ms | at most 600 ms | no |" in missed
    assert "| calls deep, AWS and Slack | 7 | at most 6 | no |" in missed


def test_the_page_compares_with_the_bare_function() -> None:
    assert "takes 2.0 times as long as a bare one" in page(_result(0.36, 6))


def test_every_table_has_as_many_cells_as_heads() -> None:
    for section in page(_result(0.36, 6)).split("## ")[1:]:
        rows = [line for line in section.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) == 1, section


def test_files_are_counted_to_the_part_that_they_belong_to() -> None:
    paths = ("handlers/alarm.py", "botocore/data/ec2/service-2.json", "botocore/client.py", "six.py")
    assert [component(Path(path)) for path in paths] == [
        "Gateway Triage",
        "botocore's service models",
        "botocore",
        "others",
    ]
