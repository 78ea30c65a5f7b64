"""The application form (申請書) that the counter prints, in both languages, with the code on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import locales
from services.authority.data_types import FeeKind
from services.authority.embedded.payments.applications import FEES, ApplicationReceipt
from services.authority.embedded.personal_data.records import PersonalData
from services.calendar import last_payment_day, today
from services.formats.dates import format_roc

DOMAIN = "authority"
_LANGUAGES = ("zh_Hant", "en")

TITLE = "Application for an alien citizen natural person certificate"
_LABELS = (
    "Application number",
    "Applied on",
    "Name",
    "UI No.",
    "Date of birth",
    "E-mail",
    "Mailing address",
    "Fee",
    "Pay by",
    "Subscriber code",
)
_SIGNATURES = ("Signature of the applicant", "Received by")
NOTES = (
    "Keep this form. You need the subscriber code to pay, to activate the card, to suspend and "
    "reactivate the certificate, and to unlock the card. Capital and small letters matter.",
    "Lost the code and the card is not activated? You can get the code back online with a "
    "one-time code by e-mail. After activation no one can give it back.",
    "If you don't pay in time, your application and data are deleted, and you need to apply "
    "again in person.",
    "Type the code only on the official website or in the official Kaika chat, in a step you "
    "started. Never tell it to anyone. Our staff never ask for it.",
)
_FEE = "NT${total} (card {card}, postage {postage})"


@dataclass(frozen=True, repr=False)
class ApplicationForm:
    """The values printed on one form."""

    values: Sequence[str]

    def render_text(self) -> str:
        """Return the form as text for a terminal or a plain printer."""
        lines = [_in_both_languages(TITLE), ""]
        lines += [f"{_in_both_languages(label)}: {value}" for label, value in self._rows()]
        for note in NOTES:
            lines += ["", *(_translate(language, note) for language in _LANGUAGES)]
        return "\n".join(lines) + "\n"

    def render_html(self) -> str:
        """Return the form as a page that prints on one sheet of A4."""
        rows = "\n".join(
            f"<tr{_row_class(label)}><th>{_stack_languages(label)}</th><td>{escape(value)}</td></tr>"
            for label, value in self._rows()
        )
        notes = "\n".join(f"<li>{_stack_languages(note)}</li>" for note in NOTES)
        signatures = "\n".join(f"<div>{_stack_languages(label)}</div>" for label in _SIGNATURES)
        return _PAGE.format(
            title=escape(_in_both_languages(TITLE)),
            heading=_stack_languages(TITLE),
            rows=rows,
            notes=notes,
            signatures=signatures,
        )

    def _rows(self) -> Sequence[tuple[str, str]]:
        return list(zip(_LABELS, self.values, strict=True))


def fill_in_form(data: PersonalData, receipt: ApplicationReceipt) -> ApplicationForm:
    """Fill in the form of a new application. It shows the code: it is meant for paper."""
    until = last_payment_day(receipt.deadline)
    applied_on = today(receipt.submitted_at)
    return ApplicationForm(
        (
            receipt.application[:12].upper(),
            f"{applied_on:%Y-%m-%d} ({format_roc(applied_on)})",
            data.name,
            data.ui_number.reveal(),
            f"{data.birth_date:%Y-%m-%d} ({format_roc(data.birth_date)})",
            data.mail_address,
            data.postal_address,
            _in_both_languages(_FEE).format(**_format_amounts()),
            f"{until:%Y-%m-%d} ({format_roc(until)})",
            receipt.code.reveal() if receipt.code else "",
        )
    )


def _format_amounts() -> dict[str, str]:
    card, postage = FEES[FeeKind.CARD], FEES[FeeKind.POSTAGE]
    amounts = {"total": card + postage, "card": card, "postage": postage}
    return {name: str(amount // 100) for name, amount in amounts.items()}


def _row_class(label: str) -> str:
    return ' class="code"' if label == _LABELS[-1] else ""


def _in_both_languages(text: str) -> str:
    return " / ".join(_translate(language, text) for language in _LANGUAGES)


def _stack_languages(text: str) -> str:
    """Return a text in one language below the other."""
    chinese, english = (escape(_translate(each, text)) for each in _LANGUAGES)
    return f'{chinese}<span lang="en">{english}</span>'


def _translate(language: str, text: str) -> str:
    return locales.translate(text, language, DOMAIN)


_PAGE = """<!doctype html>
<html lang="zh-Hant-TW">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 14mm 20mm }}
body {{
  font: 10.5pt/1.4 "Noto Sans CJK TC", "PingFang TC", "Microsoft JhengHei", "PMingLiU", sans-serif;
  max-width: 170mm; margin: 0 auto; padding: 0 4mm; color: #000; print-color-adjust: exact;
}}
@media print {{ body {{ padding: 0 }} }}
[lang=en] {{ display: block; font-size: 0.87em; color: #333 }}
h1 {{ font-size: 18pt; line-height: 1.3; margin: 0 0 4mm }}
h1 [lang=en] {{ font-size: 12pt; font-weight: normal }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border: 0.3mm solid #777; padding: 1.3mm 3mm; text-align: left; overflow-wrap: anywhere }}
th {{ width: 34%; font-weight: normal; line-height: 1.25; background: #f2f2f2 }}
.code th, .code td {{ border: 0.6mm solid #000 }}
.code td {{ font: bold 20pt/1.2 "DejaVu Sans Mono", Consolas, Menlo, monospace; padding: 3mm;
  letter-spacing: 0.15em }}
ul {{ margin: 5mm 0; padding-left: 5mm }}
li {{ margin: 1.5mm 0; break-inside: avoid }}
.signatures {{ display: flex; gap: 10mm; margin-top: 14mm; break-inside: avoid }}
.signatures div {{ flex: 1; border-top: 0.3mm solid #000; padding-top: 1mm }}
</style>
<h1>{heading}</h1>
<table>
{rows}
</table>
<ul>
{notes}
</ul>
<div class="signatures">
{signatures}
</div>
</html>
"""
