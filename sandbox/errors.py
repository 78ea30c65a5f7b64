"""What the stand-in refuses: to the bot in Telegram's words, to people with a code."""

from sandbox.types import Json


class ApiError(Exception):
    """A Bot API call that Telegram would refuse.

    :param code: the HTTP status and ``error_code``.
    :param description: Telegram's words, prefix included.
    :param parameters: ``ResponseParameters``, such as ``{"retry_after": 3}``.
    """

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def envelope(self) -> Json:
        """Return the answer as Telegram sends it."""
        answer: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


class OddAnswerError(Exception):
    """An answer that Telegram would not give: of a proxy, cut off, or none at all.

    :param hangs_up: whether the connection ends after half of the body.
    """

    def __init__(self, status: int, body: bytes, content_encoding: str, hangs_up: bool) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.content_encoding = content_encoding
        self.hangs_up = hangs_up


def bad_request(reason: str) -> ApiError:
    """Return the error 400 for `reason`, its first letter lowered as Telegram does it."""
    if len(reason) > 1 and (reason[1].isupper() or reason[1] == "_"):
        return ApiError(400, f"Bad Request: {reason}")
    return ApiError(400, f"Bad Request: {reason[:1].lower()}{reason[1:]}")


def forbidden(reason: str) -> ApiError:
    """Return the error 403 for `reason`."""
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    """Return the error 409 for `reason`."""
    return ApiError(409, f"Conflict: {reason}")


def too_many_requests(retry_after: int) -> ApiError:
    """Return the error 429 that asks the bot to wait `retry_after` seconds."""
    words = f"Too Many Requests: retry after {retry_after}"
    return ApiError(429, words, {"retry_after": retry_after})


class PersonError(Exception):
    """Something a person cannot do in a Telegram client.

    :param status: the HTTP status of the person interface: 400, 403, 404 or 409.
    :param code: a stable word for programs.
    :param detail: a sentence for people.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
