"""Summary of the runs of one contestant at one latency, and comparison of two contestants."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks.results import spread
from benchmarks.single_run import RunFigures

Figures = dict[str, Any]


HEADINGS = (
    "updates",
    "updates/s (range)",
    "CPU ms/update",
    "lost/twice/foreign",
    "out of order",
    "RSS MiB",
    "fake busy",
)
"""What `cells` holds."""


def table_cells(one: Figures) -> list[str]:
    """Return a row of the table."""
    rate = one["updates_per_second"]
    return [
        f"{one['rounds']} × {one['messages_a_round']}",
        f"{rate['median']:.0f} ({rate['min']:.0f}–{rate['max']:.0f})",
        f"{one['cpu_ms_per_update']['median']:.2f}",
        f"{one['lost']}/{one['doubled']}/{one['foreign']}",
        f"{one['out_of_order']}",
        f"{one['rss_after_start_mib']:.0f} → {one['rss_after_load_mib']:.0f}",
        f"{one['fake_busy']:.0%}",
    ]


def summarize(runs: Sequence[RunFigures]) -> Figures:
    """Return medians with their spread, and the sums of all faults."""
    tallies = [asdict(run.tally) for run in runs]
    figures: Figures = {
        "rounds": len(runs),
        "messages_a_round": runs[0].messages,
        "updates_per_second": spread([run.rate for run in runs], 1),
        "cpu_ms_per_update": spread([run.cpu_ms for run in runs]),
        "start_seconds": spread([run.start_seconds for run in runs]),
        "rss_after_start_mib": round(median(run.rss_before_mib for run in runs), 1),
        "rss_after_load_mib": round(median(run.rss_after_mib for run in runs), 1),
        "fake_busy": round(max(run.fake_busy for run in runs), 3),
        "others_busy": round(median(run.others_busy for run in runs), 3),
    }
    figures |= {fault: sum(tally[fault] for tally in tallies) for fault in tallies[0]}
    if runs[0].inbox_done is not None:
        figures["inbox_done"] = sum(run.inbox_done or 0 for run in runs)
    return figures


def compare_contestants(
    ours: Sequence[RunFigures], theirs: Sequence[RunFigures], wanted: float
) -> Figures:
    """Return the factor by which Kaika is faster, in elapsed and in processor time.

    The two runs of a round follow each other, so that other load affects both; only rounds that
    both ran are compared.
    """
    pairs = [our.rate / their.rate for our, their in zip(ours, theirs, strict=False)]
    ours = ours[: len(theirs)]
    ratio = median(run.rate for run in ours) / median(run.rate for run in theirs)
    cpu = median(run.cpu_ms for run in theirs) / median(run.cpu_ms for run in ours)
    return {
        "ratio": round(ratio, 2),
        "pairs": [round(pair, 2) for pair in pairs],
        "by_cpu": round(cpu, 2),
        "wanted": wanted,
        "met": ratio >= wanted,
    }
