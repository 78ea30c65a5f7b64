"""The texts of the findings of `kaika-bridge check`, and their remedies."""

import sys

from locales.card_profiles import CARD_PROFILE_TEXTS
from reader_bridge.app.check.run import CheckStep, Finding, finding_code
from reader_bridge.app.check.server import PROBLEM_CODES
from reader_bridge.app.connection_texts import CONNECTION_TEXTS
from reader_bridge.app.translation import N_, localise
from reader_bridge.protocol.enums import ProfileName

STEP_TITLES = {
    CheckStep.SERVICE: N_("Reader service"),
    CheckStep.READER: N_("Card reader"),
    CheckStep.CARD: N_("Card"),
    CheckStep.PROFILE: N_("What is on the card"),
    CheckStep.SERVER: N_("Server"),
}

FINDING_TEXTS = {
    "skipped": N_("not checked, because something before it is missing"),
    # reader service
    "service_running": N_("runs"),
    "pcsc_missing": N_("the software for card readers (PC/SC) is missing"),
    "reader_service_stopped": N_("does not run"),
    "reader_access_denied": N_("runs, but this PC doesn't let you use it"),
    "pcsc_unexpected": N_("reported something unexpected, code {result}"),
    # reader
    "reader_found": N_("{readers}"),
    "no_reader": N_("none found"),
    # card
    "card_answers": N_("answers, in {reader}"),
    "no_card": N_("there is none in {reader}"),
    "card_mute": N_("does not answer in {reader}"),
    "card_in_use": N_("another program is using the card in {reader}"),
    "card_unsupported": N_("the reader {reader} and this card can't talk to each other"),
    "card_contact_lost": N_("the contact to the card in {reader} was lost"),
    "reader_unsupported": N_("the reader {reader} or its driver doesn't work with this PC"),
    "reader_not_found": N_("the reader {reader} is gone"),
    "card_removed": N_("was pulled out of {reader}"),
    "card_reset": N_("another program has reset the card in {reader}"),
    "card_not_responding": N_("takes too long to answer in {reader}"),
    "card_response_invalid": N_("answers with something that makes no sense"),
    "card_refused": N_("refuses to be read"),
    "card_error": N_("could not be read"),
    # profile
    **{finding_code(name): CARD_PROFILE_TEXTS[name].finding for name in ProfileName},
    "pin_tries": N_("PIN attempts left: {tries_left}"),
    "pin_tries_unknown": N_("PIN: the card does not say how many attempts are left"),
    "pin_last_try": N_("PIN: only one try left"),
    "pin_blocked": N_("PIN: no try left; the card is locked or not yet activated"),
    "certificate_valid": N_("certificate valid until {until}"),
    "certificate_expired": N_("certificate expired on {until}"),
    "certificate_not_yet_valid": N_("certificate valid only from {since}"),
    "certificate_missing": N_("no certificate on the card"),
    # server
    "server_answers": N_("{host} answers"),
    "no_server_yet": N_("not checked, because no address was given"),
    **{code: CONNECTION_TEXTS[problem][0] for problem, code in PROBLEM_CODES.items()},
    "server_other": N_("{host} speaks another version of Kaika"),
    "server_older": N_("{host} speaks an older version of Kaika"),
}

_AGAIN = N_("Take the card out, wait a moment, put it in again, and check again.")

REMEDY_TEXTS = {
    "pcsc_unexpected": N_("Restart this PC and check again; if it happens again, report the code."),
    "no_reader": N_(
        "Plug the reader in, at another USB port if need be; if it stays missing, install the "
        "driver from the reader's maker and start the PC again."
    ),
    "no_card": N_("Put the card in with the gold chip first, as far as it goes, and check again."),
    "card_mute": N_(
        "Take the card out, wipe the gold chip with a dry cloth, and put it in chip first; try it "
        "the other way up too."
    ),
    "card_unsupported": N_("Check that it is the certificate card, or use another reader."),
    "card_contact_lost": N_(
        "Wipe the gold chip with a dry cloth, put the card in firmly, and check again."
    ),
    "reader_unsupported": N_(
        "Install the newest driver from the reader's maker, or use another reader."
    ),
    "card_in_use": N_(
        "Close other card programs and browser pages, then take the card out and put it in again."
    ),
    "reader_not_found": N_("Plug the reader in again and check again."),
    "card_removed": N_("Put the card in again, leave it there, and check again."),
    "card_reset": N_("Close other card programs and browser pages, and check again."),
    "card_not_responding": _AGAIN,
    "card_response_invalid": _AGAIN,
    "card_refused": _AGAIN,
    "card_error": _AGAIN,
    **{finding_code(name): CARD_PROFILE_TEXTS[name].remedy for name in ProfileName},
    "pin_last_try": N_(
        "Do not guess: another wrong PIN locks the card; you can set a new PIN from the chat."
    ),
    "pin_blocked": N_("In the chat, choose to unlock the card, or to activate it if it is new."),
    "certificate_expired": N_("Ask in the chat how to get a new card."),
    "certificate_not_yet_valid": N_("Check the date and time of this PC."),
    "certificate_missing": N_("Ask in the chat: the card may be for something else."),
    "no_server_yet": N_("The chat shows you the address; give it with --server."),
    **{code: CONNECTION_TEXTS[problem][1] for problem, code in PROBLEM_CODES.items()},
    "server_other": N_("Get the newest version of this app."),
    "server_older": N_("This app is newer than the server; try again later."),
}

START_SERVICE_TEXTS = {
    "linux": N_("Start it: sudo systemctl start pcscd.socket (Debian package: pcscd)."),
    "win32": N_(
        "Start it: press Win+R, type services.msc, and start “Smart Card”; without a reader "
        "plugged in, Windows may keep it stopped."
    ),
    "darwin": N_("Take the reader out, start the Mac again, and plug the reader in."),
}

_REINSTALL_TEXT = N_("Install this app again with reader support: pip install 'kaika[bridge]'")

INSTALL_SOFTWARE_TEXTS = {
    "linux": N_(
        "Install it: sudo apt install pcscd (Debian, Ubuntu), sudo dnf install pcsc-lite (Fedora), "
        "or sudo pacman -S pcsclite ccid (Arch). If you have it, install this app again with "
        "reader support: pip install 'kaika[bridge]'"
    ),
    "win32": _REINSTALL_TEXT,
    "darwin": _REINSTALL_TEXT,
}

ALLOW_ACCESS_TEXTS = {
    "linux": N_(
        "Only who is signed in at this PC's own screen may use card readers. Sign in there, or "
        "have an administrator allow it for you in polkit: org.debian.pcsc-lite.access_pcsc and "
        "access_card."
    ),
    "win32": N_(
        "In a remote session, let Remote Desktop pass smart cards on; else ask the administrator "
        "of this PC."
    ),
    "darwin": N_("Ask the administrator of this Mac to allow smart cards for you."),
}

_PLATFORM_TEXTS = {
    "pcsc_missing": INSTALL_SOFTWARE_TEXTS,
    "reader_service_stopped": START_SERVICE_TEXTS,
    "reader_access_denied": ALLOW_ACCESS_TEXTS,
}


def step_title(finding: Finding, language: str) -> str:
    """Return the name of a finding's step."""
    return localise(language, STEP_TITLES[finding.step])


def finding_text(finding: Finding, language: str) -> str:
    """Return what was found."""
    return localise(language, FINDING_TEXTS[finding.code], **finding.values)


def finding_with_remedy(finding: Finding, language: str) -> str:
    """Return what was found and what to do about it."""
    return " ".join(filter(None, (finding_text(finding, language), remedy_text(finding, language))))


def remedy_text(finding: Finding, language: str, platform: str = sys.platform) -> str | None:
    """Return what to do about a finding; `None` where nothing is wrong."""
    if by_platform := _PLATFORM_TEXTS.get(finding.code):
        return localise(language, by_platform.get(platform, by_platform["linux"]))
    message = REMEDY_TEXTS.get(finding.code)
    return localise(language, message, **finding.values) if message else None
