"""Errors of the protocol. They never hold the value that was wrong."""

from reader_bridge.protocol.enums import ProtocolErrorCode


class ProtocolError(Exception):
    """A message is invalid.

    :ivar code: for the other side.
    :ivar field: the name of the field, for this side's log.
    """

    def __init__(
        self, code: ProtocolErrorCode = ProtocolErrorCode.BAD_MESSAGE, field: str = ""
    ) -> None:
        super().__init__(code.value, field)
        self.code = code
        self.field = field


class UnknownOperationError(ProtocolError):
    """A `start` names an operation that does not exist.

    :ivar operation_id: the operation to refuse.
    """

    def __init__(self, operation_id: str) -> None:
        super().__init__(ProtocolErrorCode.UNKNOWN_OPERATION, "operation")
        self.operation_id = operation_id
