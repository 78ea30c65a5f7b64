"""The menus of the official site in Chinese and English (docs/facts.md §2.3); not translated."""

from dataclasses import dataclass

import locales
from handlers.screen.text import Markup
from locales import facts

_HOST = facts.load_facts()["site"].values[locales.DEFAULT]
SITE = Markup(f'<a href="https://{_HOST}/">{_HOST}</a>')
"""The link to the official site."""


@dataclass(frozen=True)
class Menu:
    """A path through the menus, as the site names it in both languages."""

    chinese: tuple[str, ...]
    english: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' → '.join(self.chinese)} / {' → '.join(self.english)}"

    @property
    def markup(self) -> Markup:
        """The path in both languages, a line each."""
        return Markup(f"<b>{' → '.join(self.chinese)}</b>\n{' → '.join(self.english)}")


def _operation(chinese: str, english: str) -> Menu:
    return Menu(
        ("外來人口", "憑證作業", chinese), ("Alien citizen", "certificate process", english)
    )


PAYMENT = Menu(
    ("外來人口", "常用功能", "憑證申請查詢及繳費"),
    ("Alien citizen", "Commonly Used Function", "Application Progress and Payment"),
)
RETRIEVE = _operation("外來人口取回用戶代碼", "retrieve PIN")
ACTIVATE = _operation("憑證開卡", "activation")
SUSPEND = _operation("憑證停用", "certificate suspension")
RESUME = _operation("憑證復用", "resumption")
UNLOCK = _operation("忘記PIN碼鎖卡解碼", "how to unblock IC card and reset PIN")
CHANGE_PIN = _operation("修改PIN碼", "how to change PIN")
ISSUANCE = _operation("查詢憑證簽發情形", "Certificate Issuance Inquiry")
