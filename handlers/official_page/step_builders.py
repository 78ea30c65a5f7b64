"""Building blocks of the steps that guide a person through the official page."""

import locales
from handlers.engine.model import ButtonTransition, InfoButton, Step, StepContext, StepText
from handlers.engine.rendering import render_text
from handlers.official_page.menus import SITE, Menu
from handlers.screen.text import N_, Markup, say

_PASTE = N_(
    "💬 <b>Send me what the page says</b>, or the error code. Leave out your subscriber code, "
    "PIN, card number and UI No.\n"
    "\n"
    "After that you can continue with this step."
)
_PERSON = N_(
    "🙋 <b>Ask a person</b>: {hotline} or {email}. “Chinese sentence” has words to show or read "
    "out."
)
_SHOW = N_("Show or read this to the hotline or at the counter:")
_MEANING = N_("It says: I have a question about the alien citizen natural person certificate.")
_GREETING = "您好，我要請問外來人口自然人憑證的事。"
"""The beginning of every Chinese sentence."""

LOG_IN = N_(
    "<b>Open the page and log in</b>\n"
    "Go to {site} and choose:\n"
    "\n"
    "{menu}\n"
    "\n"
    "Log in with your UI No. and subscriber code."
)
"""The page on which people pay and see how far their application is."""


def on_page(message: str, menu: Menu | None = None) -> StepText:
    """Return a message with ``{site}`` and ``{menu}`` filled in."""

    def text(ctx: StepContext) -> Markup:
        path = menu.markup if menu else Markup("")
        return say(ctx.language, message, site=SITE, menu=path)

    return text


def page_step(
    text: StepText,
    target: str,
    *,
    stuck: str,
    chinese: str,
    meaning: str,
    more_buttons: tuple[ButtonTransition, ...] = (),
    done_label: str = N_("✅ Done"),
    picture: str | None = None,
) -> Step:
    """Return a step that the person does on the official page.

    :param target: where the button *Done* leads.
    :param stuck: what to check when it does not work.
    :param picture: the name of a picture of what the page asks for.
    :param chinese: what to tell staff in Chinese, after the greeting.
    :param meaning: the same in the person's language.
    """
    return Step(
        text,
        (ButtonTransition("done", done_label, target), *more_buttons),
        info_buttons(stuck, chinese, meaning),
        picture=picture,
    )


def info_buttons(stuck: str, chinese: str, meaning: str) -> tuple[InfoButton, ...]:
    """Return the buttons for a person who cannot go on."""
    return (
        InfoButton("else", N_("💬 I see something else"), _PASTE),
        InfoButton("stuck", N_("🆘 I'm stuck"), _join_paragraphs(stuck, _PERSON)),
        text_to_show(chinese, meaning),
    )


def text_to_show(chinese: str, meaning: str) -> InfoButton:
    """Return the button with a Chinese sentence to show at a counter or read to the hotline."""

    def text(ctx: StepContext) -> Markup:
        sentence = f"{say(ctx.language, _SHOW)}\n\n<blockquote>{_GREETING}{chinese}</blockquote>"
        if locales.is_chinese(ctx.language):
            return Markup(sentence)
        translation = f"{say(ctx.language, _MEANING)} {say(ctx.language, meaning)}"
        return Markup(f"{sentence}\n{translation}")

    return InfoButton("chinese", N_("🗣 Chinese sentence"), text)


def environment(target: str) -> Step:
    """Return the step that prepares the computer (docs/facts.md §2.1, §2.4)."""
    return page_step(
        N_(
            "<b>Is the computer ready?</b>\n"
            "1. Windows PC or Mac, card reader plugged in first.\n"
            "2. Card software from the <a "
            'href="https://{site}/rac_plugin.html">MOICA download page</a>: HiCOS '
            "Client (Windows) or <code>HiPKILocalSignServer.pkg</code> (Mac).\n"
            "3. Browser restarted; pop-ups allowed.\n"
            "4. Card in the reader, chip first.\n"
            "\n"
            "⚠️ Other unlock or PIN software can lock the card permanently."
        ),
        target,
        stuck=N_(
            "<b>Test it</b> on this computer: <code>http://localhost:61161/selfTest.htm</code>\n"
            "• Nothing opens: install the card software again, then restart.\n"
            "• No reader: plug it in, restart the software. EZ100PU: maybe no driver for Apple "
            "chips.\n"
            "• No card: put it in again."
        ),
        chinese="我的電腦讀不到卡片，想請問讀卡機和卡片軟體（HiCOS）要怎麼設定。",
        meaning=N_("My computer does not read the card. How do I set up the reader and HiCOS?"),
        done_label=N_("✅ I'm ready"),
        picture="reader",
    )


def _join_paragraphs(*messages: StepText) -> StepText:
    def text(ctx: StepContext) -> Markup:
        return Markup("\n\n".join(render_text(message, ctx) for message in messages))

    return text
