"""Writes the figures of ``build/bench.json`` into ``docs/benchmarks.md``, between its two marks.

python -m benchmarks.render_document
"""

import json
import sys
from typing import Any

from benchmarks.bots_under_test import CONTESTANTS
from benchmarks.processes import ROOT
from benchmarks.results import PATH
from benchmarks.summary import HEADINGS, table_cells

_PAGE = ROOT / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def render_figures(known: dict[str, Any]) -> str:
    """Return every section as Markdown."""
    parts = [_machine(known["machine"]), _throughput(known["throughput"])]
    parts += [_start_up(known["start_up"]), _search(known["search_time"])]
    parts += [_codes(known["authority"]), _certificates(known["certificates"])]
    parts += [_card(known["card_layer"]), _bridge(known["bridge"])]
    parts += [_hostile_texts(known["hostile_texts"])]
    return "\n\n".join(parts) + "\n"


def _machine(machine: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    return (
        f"Taken on a virtual machine with {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; {libraries}."
    )


def _throughput(found: dict[str, Any]) -> str:
    parts = []
    for section in ("0 ms", "50 ms"):
        heading = [f"**{section} a call**", "", "| bot | " + " | ".join(HEADINGS) + " |"]
        rows = [
            f"| {who.name} | {' | '.join(table_cells(found[section][who.key]))} |"
            for who in CONTESTANTS
            if who.key in found[section]
        ]
        parts.append("\n".join([*heading, "|---" + "|--:" * len(HEADINGS) + "|", *rows]))
    rows = [
        f"| {name} | {ratio['ratio']} | {ratio['by_cpu']} | {ratio['wanted']:g} |"
        for name, ratio in found["kaika_to"].items()
    ]
    parts.append(
        "\n".join(["| Kaika to | updates/s | CPU time | wanted |", "|---|--:|--:|--:|", *rows])
    )
    calls = round(min(found["fake_alone_calls_per_second"]), -2)
    busy = max(one["others_busy"] for one in found["0 ms"].values())
    parts.append(
        f"The fake Bot API alone answered {calls} calls a second, "
        f"{found['fake_to_fastest_bot']:.0f} times what the fastest bot asked of it. "
        f"Other programs took up to {busy:.0%} of the machine meanwhile."
    )
    return "\n\n".join(parts)


def _start_up(found: dict[str, Any]) -> str:
    new, known = found["new_data_folder_seconds"], found["known_data_folder_seconds"]
    return (
        f"**Start-up and memory.** From the start of the process to its first request for updates: "
        f"{new['median']:.2f} s with a new data folder, {known['median']:.2f} s with a known one. "
        f"At rest it then holds {found['rss_after_start_mib']:.0f} MiB."
    )


def _search(found: dict[str, Any]) -> str:
    return (
        f"**Search.** {found['mean_ms']} ms a question on average, 95 in 100 within "
        f"{found['p95_ms']} ms ({found['questions']} questions, processor time)."
    )


def _hostile_texts(found: dict[str, Any]) -> str:
    parsers, patterns = found["parsers"], found["patterns"]
    detector = parsers["services.secret_detection.SecretDetector.find"]["ms"]
    search = parsers["services.faq.search.FaqSearch.search"]["ms"]
    parser, pattern = (max(each["ms"] for each in kind.values()) for kind in (parsers, patterns))
    return (
        f"**Hostile texts.** 4,096 characters of the worst kind take the secret detector "
        f"{detector:.1f} ms and the search {search:.1f} ms; the slowest of {len(parsers)} parsers "
        f"{parser:.1f} ms, the slowest of {len(patterns)} patterns {pattern:.1f} ms (processor "
        f"time)."
    )


def _codes(found: dict[str, Any]) -> str:
    cost = found["cost"]
    rows = [
        f"| {name} | {one['ms']:.1f} | {one['per_second']:.1f} |"
        for name, one in found.items()
        if name not in ("cost", "others_busy")
    ]
    return "\n".join(
        [
            f"**Subscriber codes.** Argon2id with {cost['memory_kib'] // 1024} MiB, "
            f"{cost['passes']} passes and {cost['lanes']} lane; other programs took "
            f"{found['others_busy']:.0%} of the machine meanwhile.",
            "",
            "| what | median ms | per second |",
            "|---|--:|--:|",
            *rows,
        ]
    )


def _certificates(found: dict[str, Any]) -> str:
    times, rates = found["suspension_to_answer_ms"], found["per_second"]
    rows = [
        f"| from a suspension to {name.upper()} that tells of it | {one['median']} ms | "
        f"{one['p95']} ms | {one['max']} ms |"
        for name, one in times.items()
    ]
    return "\n".join(
        [
            f"**Certificates.** {found['certificates_on_record']} on record; other programs took "
            f"{found['others_busy']:.0%} of the machine meanwhile.",
            "",
            "| what | median | 95 in 100 | longest |",
            "|---|--:|--:|--:|",
            *rows,
            "",
            f"Look-ups of a status in the database: {rates['status_look_ups']} a second. OCSP "
            f"answers with nonce, made and signed: {rates['answers']} a second; over HTTP, several "
            f"connections at once: {rates['answers_over_http']} a second.",
        ]
    )


def _card(found: dict[str, Any]) -> str:
    rows = [
        f"| {name} | {one['median_ms']} | {one['p95_ms']} |"
        for name, one in found.items()
        if name != "rounds"
    ]
    heading = ["**Card layer**", "", "| what | median ms | 95 in 100 |", "|---|--:|--:|"]
    return "\n".join([*heading, *rows])


def _bridge(found: dict[str, Any]) -> str:
    rows = [
        f"| {name} | {_both(one['directly'])} | {_both(one['through'])} | {_both(one['waited'])} | "
        f"{_both(one['added'])} | {one['messages']} | {one['round_trips']} |"
        for name, one in found["operations"].items()
    ]
    slow, beside = found["slow_link"], found["beside"]
    return "\n".join(
        [
            f"**Reader bridge.** {found['rounds']} rounds; milliseconds, median and 95 in 100. "
            f"Other programs took {found['others_busy']:.0%} of the machine meanwhile.",
            "",
            "| what | directly | over the bridge | of it, on record | added | messages | "
            "round trips |",
            "|---|--:|--:|--:|--:|--:|--:|",
            *rows,
            "",
            f"What nobody waits for is on record {_both(beside)} ms after its transaction began. "
            f"One card status over a link with {slow['one_way_ms']} ms each way: "
            f"{slow['status_ms']} ms, which is {slow['round_trips']} round trips; the longest took "
            f"{slow['longest_ms']} ms.",
        ]
    )


def _both(taken: dict[str, float]) -> str:
    return f"{taken['median_ms']:.2f} / {taken['p95_ms']:.2f}"


def main() -> int:
    """Write the page."""
    page = _PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    after = rest.partition(_END)[2]
    fresh = render_figures(json.loads(PATH.read_text(encoding="utf-8")))
    _PAGE.write_text(before + _BEGIN + "\n" + fresh + "\n" + _END + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
