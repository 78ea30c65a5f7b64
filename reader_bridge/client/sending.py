"""What a session sends: numbered, kept, and sent again when the link is back."""

import asyncio

from reader_bridge.client.websocket import LinkError, Wire
from reader_bridge.protocol.messages import FromBridge
from reader_bridge.protocol.numbers import Incoming, Outgoing


class Sending:
    """Both directions' numbers of a session, and the wire there is at the moment.

    :ivar incoming: what was seen of the server's messages.
    """

    def __init__(self) -> None:
        self.incoming = Incoming()
        self._outgoing = Outgoing()
        self._wire: Wire | None = None
        self._lock = asyncio.Lock()
        self._linked = asyncio.Event()

    async def send(self, message: FromBridge) -> None:
        """Send a message, now or when the link is back.

        :raises ProtocolError: where it is out of its bounds; nothing was sent.
        """
        async with self._lock:
            frame = self._outgoing.number(message)
            if self._wire is not None:
                await self._put(self._wire, frame)

    async def linked(self) -> None:
        """Wait for a link."""
        await self._linked.wait()

    async def begin(self, wire: Wire) -> None:
        """Begin at 1 in both directions."""
        async with self._lock:
            self.incoming, self._outgoing = Incoming(), Outgoing()
            self._attach(wire)

    async def go_on(self, wire: Wire, seen: int) -> bool:
        """Go on with a new wire, sending what the server has not seen.

        :param seen: the last number the server has.
        :returns: `False` where it asks for what was never sent, or is not kept any more.
        """
        async with self._lock:
            frames = self._outgoing.after(seen)
            if frames is None:
                return False
            self._attach(wire)
            for frame in frames:
                await self._put(wire, frame)
            return True

    def detach(self) -> None:
        """Send nothing any more, until there is a wire again."""
        self._wire = None
        self._linked.clear()

    async def hang_up(self) -> None:
        """End the link that there is."""
        if self._wire is not None:
            await self._wire.close()

    def _attach(self, wire: Wire) -> None:
        self._wire = wire
        self._linked.set()

    @staticmethod
    async def _put(wire: Wire, frame: str) -> None:
        try:
            await wire.send(frame)
        except LinkError:
            return  # who listens on the wire notices, and what is numbered is sent again
