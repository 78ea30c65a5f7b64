"""The findings of `kaika-bridge check`, printed for a person or as JSON for a program."""

from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from reader_bridge.app.check import texts
from reader_bridge.app.check.run import CheckOutcome, Finding
from reader_bridge.app.translation import N_, localise

MARKS = {
    CheckOutcome.OK: ("✓", "green"),
    CheckOutcome.ATTENTION: ("!", "yellow"),
    CheckOutcome.FAILED: ("✗", "red"),
    CheckOutcome.SKIPPED: ("–", "dim"),
}


def has_no_failure(findings: list[Finding]) -> bool:
    """Whether no finding is a failure."""
    return all(finding.outcome is not CheckOutcome.FAILED for finding in findings)


def as_json(findings: list[Finding], language: str) -> dict[str, Any]:
    """Return the findings as JSON values. `code` is stable, the sentences are not."""
    return {
        "ok": has_no_failure(findings),
        "findings": [
            {
                "step": finding.step,
                "outcome": finding.outcome,
                "code": finding.code,
                "values": dict(finding.values),
                "text": texts.finding_text(finding, language),
                "remedy": texts.remedy_text(finding, language),
            }
            for finding in findings
        ],
    }


def print_report(findings: list[Finding], language: str, console: Console) -> None:
    """Print the findings, the remedy below each problem, and a last line."""
    last = None
    for finding in findings:
        _print_finding(finding, language, console, again=finding.step is last)
        last = finding.step
    message = (
        N_("Everything that could be checked is OK.")
        if has_no_failure(findings)
        else N_("Do what the first ✗ says, then check again.")
    )
    console.print(Text("\n" + localise(language, message), style="bold"))


def _print_finding(finding: Finding, language: str, console: Console, *, again: bool) -> None:
    mark, style = MARKS[finding.outcome]
    line = Text(f" {mark} ", style=style)
    if again:
        line.append(texts.finding_text(finding, language), style="default")
    else:
        line.append(
            localise(language, "{step}: ", step=texts.step_title(finding, language)), "bold"
        )
        line.append(texts.finding_text(finding, language), style="default")
    console.print(line)
    if remedy := texts.remedy_text(finding, language):
        console.print(Padding(Text("→ " + remedy), (0, 0, 0, 3)))
