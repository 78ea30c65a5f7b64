"""Numbered messages to the server, kept and sent again when a lost connection comes back."""

import asyncio

from reader_bridge.client.websocket import ServerConnection, ServerConnectionError
from reader_bridge.protocol.messages import BridgeMessage
from reader_bridge.protocol.sequence_numbers import IncomingSequence, OutgoingSequence


class MessageChannel:
    """The message numbers of both directions of a session, and its current connection.

    :ivar incoming: the numbers of the server's messages.
    """

    def __init__(self) -> None:
        self.incoming = IncomingSequence()
        self._outgoing = OutgoingSequence()
        self._connection: ServerConnection | None = None
        self._lock = asyncio.Lock()

    async def send(self, message: BridgeMessage) -> None:
        """Send a message now, or when the connection is back.

        :raises ProtocolError: the message is out of bounds; nothing was sent.
        """
        async with self._lock:
            frame = self._outgoing.number(message)
            if self._connection is not None:
                await self._send_frame(self._connection, frame)

    async def start(self, connection: ServerConnection) -> None:
        """Start numbering at 1 in both directions."""
        async with self._lock:
            self.incoming, self._outgoing = IncomingSequence(), OutgoingSequence()
            self._attach(connection)

    async def resume(self, connection: ServerConnection, last_seq: int) -> bool:
        """Continue over a new connection and send what the server has not seen.

        :param last_seq: the last number the server has seen.
        :returns: `False` where the server asks for what was never sent, or is no longer kept.
        """
        async with self._lock:
            frames = self._outgoing.frames_after(last_seq)
            if frames is None:
                return False
            self._attach(connection)
            for frame in frames:
                await self._send_frame(connection, frame)
            return True

    def detach(self) -> None:
        """Keep messages back until there is a connection again."""
        self._connection = None

    async def close_connection(self) -> None:
        """Close the current connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()

    def _attach(self, connection: ServerConnection) -> None:
        self._connection = connection

    @staticmethod
    async def _send_frame(connection: ServerConnection, frame: str) -> None:
        try:
            await connection.send(frame)
        except ServerConnectionError:
            return  # the reader of the connection notices, and numbered messages are sent again
