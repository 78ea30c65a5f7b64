"""What is wrong with a message. Never holds the value that was wrong."""

from reader_bridge.protocol.vocabulary import ErrorCode


class ProtocolError(Exception):
    """A message that is none.

    :ivar code: for the other side.
    :ivar where: the name of the field, for this side's log.
    """

    def __init__(self, code: ErrorCode = ErrorCode.BAD_MESSAGE, where: str = "") -> None:
        super().__init__(code.value, where)
        self.code = code
        self.where = where


class UnknownOperationError(ProtocolError):
    """A `start` of an operation that does not exist here.

    :ivar operation_id: which to refuse.
    """

    def __init__(self, operation_id: str) -> None:
        super().__init__(ErrorCode.UNKNOWN_OPERATION, "operation")
        self.operation_id = operation_id
