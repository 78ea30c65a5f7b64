"""Colours, sizes and style sheet of the window. All colour pairs are readable (WCAG AA)."""

from dataclasses import dataclass
from string import Template


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours."""

    ground: str = "#f4f6f8"
    sheet: str = "#ffffff"
    ink: str = "#16212c"
    quiet: str = "#4b5b6b"
    line: str = "#c3ccd5"
    accent: str = "#0b6e5f"
    accent_pressed: str = "#084f45"
    on_accent: str = "#ffffff"
    warning_ground: str = "#fff4d6"
    warning_ink: str = "#6b4300"
    danger_ground: str = "#fdeaea"
    danger_ink: str = "#9b1c1c"
    good_ground: str = "#e3f5ec"
    good_ink: str = "#0a5c3f"
    focus: str = "#f2c14e"


PALETTE = Palette()
READABLE_PAIRS = (
    ("ink", "ground"),
    ("ink", "sheet"),
    ("quiet", "ground"),
    ("quiet", "sheet"),
    ("accent", "sheet"),
    ("on_accent", "accent"),
    ("on_accent", "accent_pressed"),
    ("warning_ink", "warning_ground"),
    ("danger_ink", "danger_ground"),
    ("danger_ink", "sheet"),
    ("good_ink", "good_ground"),
)
"""Ink and ground of every text; a test measures their contrast."""

FOCUS_CHANGES = (("line", "ink"), ("sheet", "ink"), ("line", "accent"), ("accent", "focus"))
"""Colours of a frame without and with the focus; a test measures how far they differ."""

FONTS = ("Segoe UI", "Microsoft JhengHei UI", ".AppleSystemUIFont", "PingFang TC", "Noto Sans")
CHINESE_FONTS = ("Microsoft JhengHei UI", "PingFang TC", "Noto Sans CJK TC")
WIDTH, HEIGHT = 500, 700
LEAST_WIDTH, LEAST_HEIGHT = 420, 400
"""What a screen of 1366×768 at 150 % still has room for, beside its bars; pages scroll."""

_SHEET = Template("""
QWidget { color: $ink; font-size: 15px; }
QWidget#window, QScrollArea, QWidget#page { background: $ground; border: none; }
QFrame#head, QFrame#foot { background: $sheet; border: none; }
QFrame#head { border-bottom: 1px solid $line; }
QFrame#foot { border-top: 1px solid $line; }
QLabel { background: transparent; }
QLabel[kind="name"] { font-size: 19px; font-weight: 700; color: $accent; }
QLabel[kind="title"] { font-size: 23px; font-weight: 700; }
QLabel[kind="quiet"] { color: $quiet; }
QLabel[kind="label"] { color: $quiet; font-size: 13px; }
QLabel[kind="value"] { font-size: 16px; font-weight: 600; }
QLabel[kind="words"] { font-size: 30px; font-weight: 700; color: $accent; }
QLabel[kind="words2"] { font-size: 22px; font-weight: 600; }
QLabel[kind="warning"], QLabel[kind="danger"], QLabel[kind="good"] {
  border-radius: 8px; padding: 12px 14px; }
QLabel[kind="banner"] { background: $warning_ground; color: $warning_ink; padding: 8px 24px;
  font-size: 14px; }
QLabel[kind="warning"] { background: $warning_ground; color: $warning_ink; }
QLabel[kind="danger"] { background: $danger_ground; color: $danger_ink; }
QLabel[kind="good"] { background: $good_ground; color: $good_ink; }
QFrame#card { background: $sheet; border: 1px solid $line; border-radius: 10px; }
QLineEdit { background: $sheet; border: 2px solid $line; border-radius: 8px;
  padding: 9px 12px; font-size: 18px; selection-background-color: $accent; }
QLineEdit:focus { border-color: $accent; }
QPushButton { border-radius: 8px; padding: 11px 18px; font-size: 16px; font-weight: 600;
  background: $sheet; border: 2px solid $line; min-height: 22px; }
QPushButton:hover { border-color: $accent; }
QPushButton:focus { border-color: $ink; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; border-color: $accent; }
QPushButton[kind="primary"]:hover { background: $accent_pressed; }
QPushButton[kind="primary"]:focus { border-color: $focus; }
QCheckBox { border: 2px solid transparent; border-radius: 6px; padding: 2px 4px; }
QCheckBox:focus { border-color: $ink; }
QPushButton:disabled { color: $quiet; background: $ground; border-color: $line; }
QPushButton[kind="plain"] { font-size: 14px; padding: 5px 12px; min-height: 18px; }
QProgressBar { background: $line; border: none; border-radius: 3px; max-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
""")


def style_sheet() -> str:
    """Return the style sheet of the window."""
    names = Palette.__slots__
    return _SHEET.substitute({name: getattr(PALETTE, name) for name in names})
