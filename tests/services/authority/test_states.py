"""The tables of states: every cell."""

import itertools

import pytest

from services.authority.data_types import AuthorityOperation, Proof
from services.authority.embedded.credentials.grants import REQUIRED_PROOFS, find_missing_proofs
from services.authority.errors import WrongStateError
from services.authority.lifecycle import (
    APPLICATION,
    CERTIFICATE,
    CODE_RECOVERABLE,
    ApplicationAct,
    ApplicationState,
    CertificateAct,
    CertificateState,
    next_application_state,
    next_certificate_state,
)

A, B = ApplicationState, ApplicationAct
APPLICATION_MOVES = {
    B.PAY: {A.SUBMITTED: A.PAID},
    B.REFUND: {A.PAID: A.SUBMITTED},
    B.ISSUE: {A.PAID: A.ISSUED},
    B.POST: {A.ISSUED: A.POSTED},
    B.ACTIVATE: {A.POSTED: A.ACTIVATED},
    B.EXPIRE: {A.SUBMITTED: A.EXPIRED},
}
C, D = CertificateState, CertificateAct
IN_USE = (C.INACTIVE, C.ACTIVE, C.SUSPENDED)
CERTIFICATE_MOVES = {
    D.ACTIVATE: {C.INACTIVE: C.ACTIVE},
    D.SUSPEND: {C.ACTIVE: C.SUSPENDED},
    D.RESUME: {C.SUSPENDED: C.ACTIVE},
    D.REVOKE: dict.fromkeys(IN_USE, C.REVOKED),
    D.EXPIRE: dict.fromkeys(IN_USE, C.EXPIRED),
}


@pytest.mark.parametrize(("state", "act"), list(itertools.product(A, B)))
def test_every_cell_of_the_application_table(state: ApplicationState, act: ApplicationAct) -> None:
    moves_to = APPLICATION_MOVES[act].get(state)
    if moves_to is not None:
        assert next_application_state(state, act) is moves_to
    elif (state, act) in APPLICATION:
        assert next_application_state(state, act) is state
    else:
        with pytest.raises(WrongStateError) as refused:
            next_application_state(state, act)
        assert (refused.value.state, refused.value.act) == (state, act)


@pytest.mark.parametrize(("state", "act"), list(itertools.product(C, D)))
def test_every_cell_of_the_certificate_table(state: CertificateState, act: CertificateAct) -> None:
    moves_to = CERTIFICATE_MOVES[act].get(state)
    if moves_to is not None:
        assert next_certificate_state(state, act) is moves_to
    elif (state, act) in CERTIFICATE:
        assert next_certificate_state(state, act) is state
    else:
        with pytest.raises(WrongStateError):
            next_certificate_state(state, act)


@pytest.mark.parametrize("act", ApplicationAct)
def test_doing_an_act_of_the_application_again_changes_nothing(act: ApplicationAct) -> None:
    for state, target in APPLICATION_MOVES[act].items():
        assert next_application_state(next_application_state(state, act), act) is target


@pytest.mark.parametrize("act", CertificateAct)
def test_doing_an_act_of_the_certificates_again_changes_nothing(act: CertificateAct) -> None:
    for state, target in CERTIFICATE_MOVES[act].items():
        assert next_certificate_state(next_certificate_state(state, act), act) is target


def test_nothing_leads_out_of_the_ends() -> None:
    for end in (C.REVOKED, C.EXPIRED):
        assert {to for (state, _), to in CERTIFICATE.items() if state is end} == {end}
    assert {to for (state, _), to in APPLICATION.items() if state is A.EXPIRED} == {A.EXPIRED}


def test_the_code_is_kept_until_activation() -> None:
    assert set(A) - CODE_RECOVERABLE == {A.ACTIVATED, A.EXPIRED}


@pytest.mark.parametrize("operation", AuthorityOperation)
def test_each_operation_needs_what_the_table_says(operation: AuthorityOperation) -> None:
    assert find_missing_proofs(operation, frozenset()) == tuple(
        sorted(REQUIRED_PROOFS[operation], key=len)
    )
    for way in REQUIRED_PROOFS[operation]:
        assert find_missing_proofs(operation, way) == ()
        for proof in way:
            assert find_missing_proofs(operation, way - {proof}) != ()


def test_suspending_takes_the_code_and_one_more_proof() -> None:
    left = find_missing_proofs(AuthorityOperation.SUSPEND, frozenset({Proof.CODE}))
    assert left[:2] == (frozenset({Proof.CARD_NUMBER}), frozenset({Proof.MAIL}))
