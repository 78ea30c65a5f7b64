"""Errors of the hub. Their texts are in the catalogue."""


class BridgeError(Exception):
    """Base of the hub's errors."""


class NotPairedError(BridgeError):
    """No bridge is paired with the chat; it needs a pairing code first."""


class NotConnectedError(BridgeError):
    """The chat's bridge has no connection; it reconnects by itself while it runs."""


class OperationRunningError(BridgeError):
    """Another operation is running.

    :ivar task: which.
    """

    def __init__(self, task: str) -> None:
        super().__init__(task)
        self.task = task


class NoPairingError(BridgeError):
    """No bridge waits to be confirmed; the chat needs a new code."""


class NothingToResolveError(BridgeError):
    """No operation of the chat is unresolved."""


class AdminBarredError(BridgeError):
    """A card rejected the issuer's key over this pairing, so no further PIN is set over it."""
