"""The six operations that a server can ask for."""

from collections.abc import Awaitable, Callable
from typing import Any

from reader_bridge.operations.change_pin import change_pin
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.prove_possession import prove_possession
from reader_bridge.operations.read import list_readers, read_card_status, read_certificate
from reader_bridge.operations.set_pin import set_pin
from reader_bridge.protocol.enums import Operation
from reader_bridge.protocol.operation_payloads import ResultValue

OPERATIONS: dict[Operation, Callable[[OperationContext, Any], Awaitable[ResultValue]]] = {
    Operation.LIST_READERS: list_readers,
    Operation.CARD_STATUS: read_card_status,
    Operation.READ_CERTIFICATE: read_certificate,
    Operation.PROVE_POSSESSION: prove_possession,
    Operation.SET_PIN: set_pin,
    Operation.CHANGE_PIN: change_pin,
}


async def run_operation(context: OperationContext) -> ResultValue:
    """Run an operation and return its value.

    :raises OperationFailedError: the operation failed.
    """
    try:
        return await OPERATIONS[context.operation](context, context.parameters)
    finally:
        await context.card_calls.close()
