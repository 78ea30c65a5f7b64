"""The tables of states: every cell."""

import itertools

import pytest

from services.authority.errors import WrongStateError
from services.authority.lifecycle import (
    APPLICATION,
    CERTIFICATE,
    CODE_IS_KEPT,
    ApplicationAct,
    ApplicationState,
    CertificateAct,
    CertificateState,
    move_application,
    move_certificate,
)
from services.authority.values import PROOFS_NEEDED, Operation, Proof, proofs_missing

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
        assert move_application(state, act) is moves_to
    elif (state, act) in APPLICATION:
        assert move_application(state, act) is state
    else:
        with pytest.raises(WrongStateError) as refused:
            move_application(state, act)
        assert (refused.value.state, refused.value.act) == (state, act)


@pytest.mark.parametrize(("state", "act"), list(itertools.product(C, D)))
def test_every_cell_of_the_certificate_table(state: CertificateState, act: CertificateAct) -> None:
    moves_to = CERTIFICATE_MOVES[act].get(state)
    if moves_to is not None:
        assert move_certificate(state, act) is moves_to
    elif (state, act) in CERTIFICATE:
        assert move_certificate(state, act) is state
    else:
        with pytest.raises(WrongStateError):
            move_certificate(state, act)


@pytest.mark.parametrize("act", ApplicationAct)
def test_doing_an_act_of_the_application_again_changes_nothing(act: ApplicationAct) -> None:
    for state, target in APPLICATION_MOVES[act].items():
        assert move_application(move_application(state, act), act) is target


@pytest.mark.parametrize("act", CertificateAct)
def test_doing_an_act_of_the_certificates_again_changes_nothing(act: CertificateAct) -> None:
    for state, target in CERTIFICATE_MOVES[act].items():
        assert move_certificate(move_certificate(state, act), act) is target


def test_nothing_leads_out_of_the_ends() -> None:
    for end in (C.REVOKED, C.EXPIRED):
        assert {to for (state, _), to in CERTIFICATE.items() if state is end} == {end}
    assert {to for (state, _), to in APPLICATION.items() if state is A.EXPIRED} == {A.EXPIRED}


def test_the_code_is_kept_until_activation() -> None:
    assert set(A) - CODE_IS_KEPT == {A.ACTIVATED, A.EXPIRED}


@pytest.mark.parametrize("operation", Operation)
def test_each_operation_needs_what_the_table_says(operation: Operation) -> None:
    assert proofs_missing(operation, frozenset()) == tuple(
        sorted(PROOFS_NEEDED[operation], key=len)
    )
    for way in PROOFS_NEEDED[operation]:
        assert proofs_missing(operation, way) == ()
        for proof in way:
            assert proofs_missing(operation, way - {proof}) != ()


def test_suspending_takes_the_code_and_one_more_proof() -> None:
    left = proofs_missing(Operation.SUSPEND, frozenset({Proof.CODE}))
    assert left[:2] == (frozenset({Proof.CARD_NUMBER}), frozenset({Proof.MAIL}))
