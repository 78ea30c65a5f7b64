"""The card of every test here, with a record of what reaches it."""

import pytest

from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.fake_cards import RecordingCard


@pytest.fixture
def recorded(card: VirtualCard) -> RecordingCard:
    return RecordingCard(card)


@pytest.fixture
def profile(recorded: RecordingCard) -> CardProfile:
    return identify(VirtualReader(recorded).connect(READER_NAME, exclusive=True))
