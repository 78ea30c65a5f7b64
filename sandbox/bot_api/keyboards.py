"""Checks reply markup the way Telegram does."""

from sandbox.errors import bad_request
from sandbox.markup.links import normalise_link
from sandbox.types import Json

_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
_FIELDS = {
    "inline_keyboard": {"inline_keyboard"},
    "keyboard": {
        "keyboard",
        "is_persistent",
        "resize_keyboard",
        "one_time_keyboard",
        "input_field_placeholder",
        "selective",
    },
    "remove_keyboard": {"remove_keyboard", "selective"},
    "force_reply": {"force_reply", "input_field_placeholder", "selective"},
}
_MAX_BUTTONS = 100
_MAX_DATA = 64
_STYLES = ("", "default", "primary", "danger", "success")


def normalise_markup(markup: Json | None, *, private: bool, invoice: bool = False) -> Json | None:
    """Return `markup` as it will stand, or None if nothing of it is left.

    :raises ApiError: where Telegram refuses it.
    """
    if not markup:
        return None
    kinds = [kind for kind in _KINDS if markup.get(kind)]
    if not kinds:
        return None
    foreign = set(markup) - _FIELDS[kinds[0]]
    if foreign:
        raise bad_request(f'Can\'t parse reply keyboard markup: unknown field "{min(foreign)}"')
    if kinds[0] == "inline_keyboard":
        return normalise_inline_keyboard(markup, invoice=invoice)
    if kinds[0] == "keyboard":
        return _normalise_reply_keyboard(markup, private)
    return markup


def normalise_inline_keyboard(markup: Json | None, *, invoice: bool = False) -> Json | None:
    """Return an inline keyboard without empty rows, or None.

    :raises ApiError: where Telegram refuses it, or it is another kind of markup.
    """
    if not markup:
        return None
    if set(markup) != {"inline_keyboard"}:
        raise bad_request("Inline keyboard expected")
    rows = [
        [_normalise_button(button) for button in row if button["text"]]
        for row in markup["inline_keyboard"]
    ]
    rows = [row for row in rows if row]
    buttons = [button for row in rows for button in row]
    if len(buttons) > _MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    _check_pay_button(buttons, invoice)
    return {"inline_keyboard": rows} if rows else None


def _check_pay_button(buttons: list[Json], invoice: bool) -> None:
    if not invoice and any("pay" in button for button in buttons):
        raise bad_request("BUTTON_TYPE_INVALID")
    if invoice and buttons and not buttons[0].get("pay"):
        raise bad_request("REPLY_MARKUP_BUY_EMPTY")


def _normalise_button(button: Json) -> Json:
    actions = [name for name in _ACTIONS if button.get(name) or _offers_empty_query(button, name)]
    if not actions:
        raise _unparsable_button("Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise _unparsable_button(f"one type of button only, not {' and '.join(actions)}")
    if button.get("style", "") not in _STYLES:
        raise _unparsable_button("invalid button style specified")
    if len(button.get("callback_data", "").encode()) > _MAX_DATA:
        raise bad_request("BUTTON_DATA_INVALID")
    if not 1 <= len(button.get("copy_text", {"text": "x"})["text"]) <= 256:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    return _normalise_link(button)


def _offers_empty_query(button: Json, name: str) -> bool:
    """Return whether `name` offers an inline query, which may be empty."""
    return name.startswith(("switch_inline", "callback_game")) and name in button


def _normalise_link(button: Json) -> Json:
    link = button.get("url")
    if not link or link.lower().startswith("tg://user"):
        return button
    try:
        return {**button, "url": normalise_link(link)}
    except ValueError as reason:
        raise bad_request(f"inline keyboard button URL '{link}' is invalid: {reason}") from None


def _normalise_reply_keyboard(markup: Json, private: bool) -> Json | None:
    rows: list[list[Json]] = [
        [{"text": button} if isinstance(button, str) else button for button in row]
        for row in markup["keyboard"]
    ]
    rows = [[button for button in row if button["text"]] for row in rows]
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > _MAX_BUTTONS * 3:
        raise bad_request("reply markup is too long")
    for button in (button for row in rows for button in row):
        for asks, what in _PRIVATE_ONLY.items():
            if button.get(asks) and not private:
                raise bad_request(f"{what} in private chats only")
        _check_requested_rights(button)
    if len(markup.get("input_field_placeholder", "")) > 64:
        raise bad_request("REPLY_MARKUP_PLACEHOLDER_INVALID")
    return {**markup, "keyboard": rows} if rows else None


def _check_requested_rights(button: Json) -> None:
    """Refuse to ask for more rights of the bot than of the person, who cannot give them."""
    request = button.get("request_chat", {})
    wanted = _given_rights(request, "bot_administrator_rights")
    if wanted - _given_rights(request, "user_administrator_rights"):
        raise bad_request("bot_administrator_rights must be a subset of user_administrator_rights")


def _given_rights(request: Json, name: str) -> set[str]:
    return {right for right, given in request.get(name, {}).items() if given}


_PRIVATE_ONLY = {
    "request_chat": "Chats can be requested",
    "request_users": "Users can be requested",
    "request_contact": "Phone number can be requested",
    "request_location": "Location can be requested",
    "request_poll": "Poll can be requested",
    "web_app": "Web App buttons can be used",
}


def _unparsable_button(reason: str) -> Exception:
    return bad_request(f"Can't parse inline keyboard button: {reason}")
