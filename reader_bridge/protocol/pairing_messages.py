"""The messages of greeting and pairing, in their order."""

from dataclasses import dataclass
from typing import Annotated

from reader_bridge.protocol.codec import ListBounds
from reader_bridge.protocol.enums import PairRefusal, UnpairReason
from reader_bridge.protocol.fields import (
    ApiLevel,
    AppVersion,
    Commitment,
    Identifier,
    LanguageTag,
    Nonce,
    Origin,
    PairingCode,
    PersonName,
    ReleaseVersion,
    ResumeProof,
    ResumeSecret,
    Seconds,
    SequenceNumber,
    TryCount,
)


@dataclass(frozen=True, slots=True)
class Greeting:
    """The server speaks first.

    :ivar api_levels: the levels it understands.
    :ivar nonce: fresh for every connection; for the proof of a resumption.
    :ivar origin: what it takes for its own origin; the bridge goes by the one it dialled.
    :ivar newest_app: the newest release of the bridge it knows of. A bridge that is older says so,
        and nothing more: where to get it is never said by a server.
    """

    api_levels: Annotated[tuple[ApiLevel, ...], ListBounds(16)]
    nonce: Nonce
    origin: Origin
    newest_app: ReleaseVersion | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Resume:
    """A session to be resumed.

    :ivar session: which session.
    :ivar proof: HMAC-SHA256 of the resume secret over `kaika-bridge resume v1`, the session and the
        nonce of this connection's `greeting`.
    :ivar last_seq: the last number the bridge has seen from the server.
    """

    session: Identifier
    proof: ResumeProof
    last_seq: SequenceNumber


@dataclass(frozen=True, slots=True)
class Hello:
    """The bridge's answer.

    :ivar api_level: the highest that both understand.
    :ivar app_version: of the bridge.
    :ivar language: of its person, as BCP 47 writes it.
    :ivar resume: where the bridge was paired before the link was lost.
    """

    api_level: ApiLevel
    app_version: AppVersion
    language: LanguageTag
    resume: Resume | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """The session, new or resumed.

    :ivar session: which session.
    :ivar resumed: both sides continue with their numbers, and send again what lies after the
        other's `last_seq`. Otherwise both begin at 1.
    :ivar paired: the pairing stands. With `resumed` false the server was restarted: the bridge ends
        what it was doing, and sends the last `result` or `failure` once more.
    :ivar last_seq: the last number the server has seen from the bridge.
    :ivar seconds_left: until the pairing ends.
    :ivar commitment: to the nonce of the first `pair_offer`; always there where `paired` is false.
    """

    session: Identifier
    resumed: bool = False
    paired: bool = False
    last_seq: SequenceNumber = 0
    seconds_left: Seconds = 0
    commitment: Commitment | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Pair:
    """The pairing code, as the person typed it. A code that was typed once is sent once.

    :ivar code: in capitals, without spaces and dashes.
    :ivar nonce: fresh for every `pair`.
    """

    code: PairingCode
    nonce: Nonce


@dataclass(frozen=True, slots=True)
class PairRefused:
    """The code was not accepted.

    :ivar reason: why.
    :ivar commitment: to the nonce of the next `pair_offer`.
    :ivar tries_left: for this address, where that is known.
    :ivar wait_seconds: until the next try is looked at.
    """

    reason: PairRefusal
    commitment: Commitment
    tries_left: TryCount | None = None
    wait_seconds: Seconds | None = None


@dataclass(frozen=True, slots=True, repr=False)
class PairOffer:
    """The code was right, and is spent. Both ends show the two words now.

    A bridge that finds the nonce to be another one than was committed to closes the link, says so
    to the person, and does not come back by itself.

    :ivar nonce: the one that the latest commitment is to.
    :ivar telegram_name: of the owner of the chat that showed the code. Not checked by anybody.
    """

    nonce: Nonce
    telegram_name: PersonName


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """What the person said on the PC about host, name and words.

    :ivar accepted: they are right.
    """

    accepted: bool


@dataclass(frozen=True, slots=True, repr=False)
class Paired:
    """Both ends said yes.

    :ivar resume_secret: proves the bridge when the link comes back.
    :ivar seconds_left: until the pairing ends.
    :ivar telegram_name: of the owner of the chat.
    """

    resume_secret: ResumeSecret
    seconds_left: Seconds
    telegram_name: PersonName


@dataclass(frozen=True, slots=True)
class Unpaired:
    """The pairing ended, or the offered one was not confirmed; the session goes on unpaired.

    :ivar reason: why.
    :ivar commitment: to the nonce of the next `pair_offer`.
    """

    reason: UnpairReason
    commitment: Commitment
