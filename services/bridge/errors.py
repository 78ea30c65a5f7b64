"""What the hub refuses, as types with values. The words for them are in the catalogue."""


class BridgeError(Exception):
    """Base of everything the hub refuses."""


class NotPairedError(BridgeError):
    """No bridge is paired with the chat; it needs a code first."""


class NotConnectedError(BridgeError):
    """The chat's bridge has no link at the moment; it comes back by itself while it runs."""


class BusyError(BridgeError):
    """Another operation is under way.

    :ivar work: which.
    """

    def __init__(self, work: str) -> None:
        super().__init__(work)
        self.work = work


class NoPairingError(BridgeError):
    """Nobody waits to be confirmed any more; the chat needs a new code."""


class NothingToResolveError(BridgeError):
    """No operation of the chat has an unknown end."""


class AdminBarredError(BridgeError):
    """A card refused the issuer over this pairing; staff know, and no PIN is set over it again."""
