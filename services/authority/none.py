"""The guide: the real MOICA stands behind the conversations, and has no public interface.

Every operation is a walk through the official page; nothing is carried out here.
"""

from services.authority.errors import NotCarriedOutError
from services.authority.interface.port import OnlineAuthority
from services.authority.values import Operation


class GuideAuthority:
    """An authority that carries nothing out, and says so."""

    carries_out: frozenset[Operation] = frozenset()
    keeper: str | None = None

    @property
    def online(self) -> OnlineAuthority:
        """There is none.

        :raises NotCarriedOutError: always.
        """
        raise NotCarriedOutError("online")

    def refuse(self, operation: Operation) -> None:
        """Say that `operation` is not carried out here.

        :raises NotCarriedOutError: always.
        """
        raise NotCarriedOutError(operation)
