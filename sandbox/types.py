"""Aliases for JSON objects, message entities and the clock."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object in the shape of the Bot API. Once handed out it is never changed, only replaced."""

Entity: TypeAlias = dict[str, Any]
"""A MessageEntity; inside ``text`` its offsets count code points, elsewhere UTF-16 units."""

Clock: TypeAlias = Callable[[], datetime]
"""Where the time comes from."""
