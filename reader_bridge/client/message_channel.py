"""What a session sends: numbered, kept, and sent again when the link is back."""

import asyncio

from reader_bridge.client.websocket import ServerConnection, ServerConnectionError
from reader_bridge.protocol.messages import BridgeMessage
from reader_bridge.protocol.sequence_numbers import IncomingSequence, OutgoingSequence


class MessageChannel:
    """Both directions' numbers of a session, and the wire there is at the moment.

    :ivar incoming: what was seen of the server's messages.
    """

    def __init__(self) -> None:
        self.incoming = IncomingSequence()
        self._outgoing = OutgoingSequence()
        self._connection: ServerConnection | None = None
        self._lock = asyncio.Lock()
        self._connected = asyncio.Event()

    async def send(self, message: BridgeMessage) -> None:
        """Send a message, now or when the link is back.

        :raises ProtocolError: where it is out of its bounds; nothing was sent.
        """
        async with self._lock:
            frame = self._outgoing.number(message)
            if self._connection is not None:
                await self._send_frame(self._connection, frame)

    async def wait_connected(self) -> None:
        """Wait for a link."""
        await self._connected.wait()

    async def start(self, connection: ServerConnection) -> None:
        """Begin at 1 in both directions."""
        async with self._lock:
            self.incoming, self._outgoing = IncomingSequence(), OutgoingSequence()
            self._attach(connection)

    async def resume(self, connection: ServerConnection, last_seq: int) -> bool:
        """Go on with a new wire, sending what the server has not seen.

        :param seen: the last number the server has.
        :returns: `False` where it asks for what was never sent, or is not kept any more.
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
        """Send nothing any more, until there is a wire again."""
        self._connection = None
        self._connected.clear()

    async def close_connection(self) -> None:
        """End the link that there is."""
        if self._connection is not None:
            await self._connection.close()

    def _attach(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._connected.set()

    @staticmethod
    async def _send_frame(wire: ServerConnection, frame: str) -> None:
        try:
            await wire.send(frame)
        except ServerConnectionError:
            return  # who listens on the wire notices, and what is numbered is sent again
