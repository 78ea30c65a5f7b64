"""Why there is no connection, and what to do: for the notices of the app and for its check."""

from typing import Final

from reader_bridge.app.translation import N_
from reader_bridge.prompter import ConnectionProblem

CONNECTION_TEXTS: Final = {
    ConnectionProblem.UNREACHABLE: (
        N_("{host} cannot be reached."),
        N_(
            "Check the internet connection. If other pages open, a firewall of this network may be "
            "in the way."
        ),
    ),
    ConnectionProblem.NAME_UNKNOWN: (
        N_("The name {host} cannot be found."),
        N_("Compare the address with the one in the chat, and check the internet connection."),
    ),
    ConnectionProblem.SILENT: (
        N_("{host} does not answer in time."),
        N_("If it stays so, ask in the chat."),
    ),
    ConnectionProblem.CERTIFICATE: (
        N_("{host} cannot prove who it is, so nothing was sent."),
        N_(
            "In a hotel, café or dormitory, open a browser first and sign in to the network. "
            "Elsewhere compare the address with the one in the chat, and check the date and time "
            "of this PC."
        ),
    ),
    ConnectionProblem.NOT_A_SERVER: (
        N_("{host} answers, but it is not a Kaika server."),
        N_("Compare the address with the one in the chat."),
    ),
    ConnectionProblem.WEB_PAGE: (
        N_("A web page answers in place of {host}."),
        N_(
            "This network may want you to sign in, or may block {host}: open a browser and look. "
            "If pages open as usual, compare the address with the one in the chat."
        ),
    ),
    ConnectionProblem.RESTING: (
        N_("The service at {host} is not available right now."),
        N_("It is usually back within a few minutes."),
    ),
    ConnectionProblem.BUSY: (N_("{host} has too much to do at the moment."), ""),
    ConnectionProblem.GOING_DOWN: (N_("{host} is restarting."), ""),
    ConnectionProblem.LOST: (N_("The connection to {host} was lost."), ""),
    ConnectionProblem.MISUNDERSTOOD: (
        N_("{host} said something this app does not understand."),
        "",
    ),
    ConnectionProblem.PROXY_INVALID: (
        N_("The proxy in the settings of this PC is not an address."),
        N_(
            "Correct it in the network settings or in HTTPS_PROXY. It looks like "
            "http://proxy.example:3128."
        ),
    ),
    ConnectionProblem.PROXY_UNREACHABLE: (
        N_("The proxy {proxy} does not answer."),
        N_(
            "It is named in the network settings of this PC or in HTTPS_PROXY. If you are in "
            "another network now, switch it off there."
        ),
    ),
    ConnectionProblem.PROXY_CANNOT_REACH: (
        N_("The proxy {proxy} cannot reach {host}."),
        N_("Compare the address with the one in the chat, and ask whoever runs this network."),
    ),
    ConnectionProblem.PROXY_REFUSED: (
        N_("The proxy {proxy} does not allow {host}."),
        N_("Ask whoever runs this network to allow it, or use another network."),
    ),
    ConnectionProblem.PROXY_LOGIN: (
        N_("The proxy {proxy} wants a user name and password."),
        N_("This app asks for them when you start it."),
    ),
    ConnectionProblem.PROXY_LOGIN_UNKNOWN: (
        N_("The proxy {proxy} wants a kind of login that this app does not have."),
        N_("Ask whoever runs this network to let {host} through without it, or use another one."),
    ),
}
MAY_BE_WRONG_SERVER: Final = frozenset(
    {
        ConnectionProblem.UNREACHABLE,
        ConnectionProblem.NAME_UNKNOWN,
        ConnectionProblem.SILENT,
        ConnectionProblem.CERTIFICATE,
        ConnectionProblem.NOT_A_SERVER,
        ConnectionProblem.WEB_PAGE,
        ConnectionProblem.MISUNDERSTOOD,
        ConnectionProblem.PROXY_CANNOT_REACH,
    }
)
