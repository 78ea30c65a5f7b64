"""The time of one FAQ search.

    python -m benchmarks.search_time

Every question is asked once, so that no cache is warm. The time is processor time, which other
programs distort less; the elapsed time is given as well.
"""

import os
import sys
from statistics import fmean, quantiles
from time import perf_counter, thread_time

from rich.console import Console

from benchmarks.processes import BOT_CORE
from benchmarks.results import merge
from benchmarks.workload import off_topic_questions, on_topic_questions
from services.faq import entries
from services.faq.search import FaqSearch

_console = Console(soft_wrap=True)


def main() -> int:
    """Measure, print and write the figures."""
    os.sched_setaffinity(0, {BOT_CORE})
    begun = thread_time()
    search = FaqSearch(entries.load_entries())
    ready = thread_time() - begun
    search.search("warm up")
    cpu, clock = [], []
    for question in on_topic_questions() + off_topic_questions():
        begun, began = thread_time(), perf_counter()
        search.search(question)
        cpu.append((thread_time() - begun) * 1000)
        clock.append((perf_counter() - began) * 1000)
    figures = {
        "questions": len(cpu),
        "mean_ms": round(fmean(cpu), 3),
        "p95_ms": round(quantiles(cpu, n=20)[-1], 3),
        "max_ms": round(max(cpu), 3),
        "clock_mean_ms": round(fmean(clock), 3),
        "build_seconds": round(ready, 2),
    }
    merge("search_time", figures)
    _console.print(
        f"Search: {figures['mean_ms']} ms a question, 95 in 100 within {figures['p95_ms']} ms, "
        f"longest {figures['max_ms']} ms ({figures['questions']} questions, processor time; "
        f"{figures['clock_mean_ms']} ms by the clock). Built in {figures['build_seconds']} s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
