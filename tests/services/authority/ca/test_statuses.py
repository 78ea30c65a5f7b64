"""Every state of the table and what is published of it."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509 import ReasonFlags
from cryptography.x509.ocsp import OCSPCertStatus

from services.authority.ca.statuses import (
    CRL_REASONS,
    GOOD,
    UNKNOWN,
    CertificateRecord,
    CertificateStatus,
)
from services.authority.lifecycle import CertificateState, RevocationReason

CHANGED = datetime(2026, 11, 23, 12, tzinfo=UTC)
END = CHANGED + timedelta(days=1)
HOLD = CertificateStatus(OCSPCertStatus.REVOKED, CHANGED, ReasonFlags.certificate_hold)
PLAIN = CertificateStatus(OCSPCertStatus.REVOKED, CHANGED, ReasonFlags.unspecified)
_S = CertificateState


@pytest.mark.parametrize(
    ("state", "within", "afterwards"),
    [
        (_S.INACTIVE, HOLD, UNKNOWN),
        (_S.ACTIVE, GOOD, UNKNOWN),
        (_S.SUSPENDED, HOLD, UNKNOWN),
        (_S.REVOKED, PLAIN, PLAIN),
        (_S.EXPIRED, UNKNOWN, UNKNOWN),
    ],
)
def test_each_state_has_its_status(
    state: CertificateState, within: CertificateStatus, afterwards: CertificateStatus
) -> None:
    record = CertificateRecord(1, state, CHANGED, END, None)
    assert record.status(CHANGED) == within
    assert record.status(END) == within
    assert record.status(END + timedelta(microseconds=1)) == afterwards


def test_no_state_and_no_reason_is_left_out() -> None:
    for state in CertificateState:
        assert (
            CertificateRecord(1, state, CHANGED, END, None).status(CHANGED).ocsp_status
            in OCSPCertStatus
        )
    assert CRL_REASONS.keys() == set(RevocationReason)
    assert ReasonFlags.certificate_hold not in CRL_REASONS.values()


@pytest.mark.parametrize("reason", list(RevocationReason))
def test_a_revoked_certificate_tells_its_reason(reason: RevocationReason) -> None:
    status = CertificateRecord(1, _S.REVOKED, CHANGED, END, reason).status(CHANGED)
    assert status.reason is CRL_REASONS[reason]
