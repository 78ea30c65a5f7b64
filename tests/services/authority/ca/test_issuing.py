"""What stands in a certificate, and what OpenSSL makes of it."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import ExtensionOID, NameOID

from services.authority.ca import certificate_profile
from services.authority.ca.errors import UnsuitableKeyError, ValidityError
from services.authority.interface.certificates import CertificateIssuer, CertificateKind
from services.authority.lifecycle import CertificateState
from tests.services.authority.ca.ca_harness import (
    CaHarness,
    elliptic_key,
    make_request,
    public_keys,
    rsa_key,
)

pytestmark = pytest.mark.parametrize("make_url", ["sqlite"], indirect=True)
"""What stands in a certificate is no matter of the database."""
KINDS = list(CertificateKind)


async def test_the_issuer_is_what_the_authority_asks_for(world: CaHarness) -> None:
    issuer: CertificateIssuer = world.service.issuer
    assert issuer


async def test_every_certificate_has_its_own_serial_and_the_key_it_was_asked_for(
    world: CaHarness, now: datetime
) -> None:
    cards = [await world.issue(now) for _ in range(2)]
    serials = [serial for card in cards for serial in card.serials]
    assert len(set(serials)) == 6
    assert all(0 < serial < 2**159 for serial in serials)
    for card in cards:
        for kind, der in public_keys().items():
            assert card.certificates[kind].kind is kind
            assert card.x509(kind).serial_number == card.certificates[kind].serial
            key = card.x509(kind).public_key()
            assert key == load_der_public_key(der)


async def test_openssl_reads_what_was_meant(world: CaHarness, now: datetime) -> None:
    card = await world.issue(now, name="阮氏安 NGUYEN THI ANNA")
    key_id = world.service.signer.key_id
    for kind in KINDS:
        text = await world.openssl.text(card.x509(kind))
        assert "Version: 3" in text
        assert "Issuer: OU=Kaika Certificate Authority 開卡憑證管理中心,O=Kaika,C=TW" in text
        assert "Subject: serialNumber=0123456789012345,CN=阮氏安 NGUYEN THI ANNA,C=TW" in text
        assert "Public-Key: (2048 bit)" in text
        assert "sha256WithRSAEncryption" in text
        assert "email:anna@example.com" in text
        assert "CA:FALSE" in text
        assert f"URI:http://certificates.test/crl/{key_id}.crl" in text
        assert "OCSP - URI:http://certificates.test/ocsp\n" in text
        assert f"CA Issuers - URI:http://certificates.test/ca/{key_id}.cer" in text
        assert "X509v3 Subject Directory Attributes" in text


@pytest.mark.parametrize(
    ("kind", "usage"),
    [
        (CertificateKind.AUTHENTICATION, "Digital Signature\n"),
        (CertificateKind.SIGNATURE, "Digital Signature, Non Repudiation\n"),
        (CertificateKind.ENCRYPTION, "Key Encipherment, Data Encipherment\n"),
    ],
)
async def test_each_key_may_do_its_own_work_only(
    world: CaHarness, now: datetime, kind: CertificateKind, usage: str
) -> None:
    card = await world.issue(now)
    text = await world.openssl.text(card.x509(kind))
    _, _, after = text.partition("X509v3 Key Usage: critical\n")
    assert after.lstrip().startswith(usage)


@pytest.mark.parametrize(
    ("kind", "purposes"),
    [
        (CertificateKind.AUTHENTICATION, {"sslclient"}),
        (CertificateKind.SIGNATURE, {"smimesign"}),
        (CertificateKind.ENCRYPTION, {"smimeencrypt"}),
    ],
)
async def test_openssl_accepts_each_certificate_for_its_purpose_only(
    world: CaHarness, now: datetime, kind: CertificateKind, purposes: set[str]
) -> None:
    card = await world.issue(now, CertificateState.ACTIVE)
    crl = await world.crl(now)
    for purpose in ("sslclient", "sslserver", "smimesign", "smimeencrypt", "crlsign"):
        said = await world.openssl.verify(card.x509(kind), crl, "-purpose", purpose)
        assert ("leaf.pem: OK" in said) is (purpose in purposes), (purpose, said)


async def test_the_directory_attributes_say_person_last_four_and_card(
    world: CaHarness, now: datetime
) -> None:
    card = await world.issue(now)
    extension = card.x509().extensions.get_extension_for_oid(
        ExtensionOID.SUBJECT_DIRECTORY_ATTRIBUTES
    )
    assert isinstance(extension.value, x509.UnrecognizedExtension)
    read = asn1.decode_der(certificate_profile.DirectoryAttributes, extension.value.value)
    assert read.subject_type.type == certificate_profile.SUBJECT_TYPE
    assert read.subject_type.values.as_list() == [certificate_profile.NATURAL_PERSON]
    assert read.id_last_four.type == certificate_profile.ID_LAST_FOUR
    assert [text.as_str() for text in read.id_last_four.values.as_list()] == ["0014"]
    assert read.card_number.type == certificate_profile.CARD_NUMBER
    assert [text.as_str() for text in read.card_number.values.as_list()] == ["KA00000000000042"]


@pytest.mark.parametrize(
    "name", ["N" * 64, "阮" * 21, "N" * 65, "阮" * 22, "ก" * 64, "阮氏安 " * 16, "😀" * 17]
)
async def test_a_long_name_is_cut_where_it_must_and_stands_whole_beside(
    world: CaHarness, now: datetime, name: str
) -> None:
    card = await world.issue(now, name=name.strip())
    subject = card.x509().subject
    (common,) = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    whole = subject.get_attributes_for_oid(certificate_profile.FULL_NAME)
    assert isinstance(common.value, str)
    assert name.startswith(common.value)
    assert len(common.value.encode()) <= 64
    assert [one.value for one in whole] == ([] if common.value == name.strip() else [name.strip()])


@pytest.mark.parametrize(
    "public",
    [
        rsa_key(1024),
        elliptic_key(ec.SECP256K1()),
        b"",
        b"0",
        b"\x30\x80",
        public_keys()[CertificateKind.SIGNATURE][:-1],
    ],
    ids=["RSA of 1024 bits", "another curve", "nothing", "no DER", "endless", "cut off"],
)
async def test_an_unsuitable_key_gets_no_certificate(
    world: CaHarness, now: datetime, public: bytes
) -> None:
    keys = {**public_keys(), CertificateKind.ENCRYPTION: public}
    with pytest.raises(UnsuitableKeyError) as caught:
        await world.service.issuer.issue(make_request(now, public_keys=keys))
    assert caught.value.kind == CertificateKind.ENCRYPTION


async def test_an_elliptic_key_gets_one(world: CaHarness, now: datetime) -> None:
    keys = {CertificateKind.SIGNATURE: elliptic_key(ec.SECP256R1())}
    (one,) = await world.service.issuer.issue(make_request(now, public_keys=keys))
    assert isinstance(
        x509.load_der_x509_certificate(one.der).public_key(), ec.EllipticCurvePublicKey
    )


async def test_no_certificate_outlives_the_authority_or_ends_before_it_begins(
    world: CaHarness, now: datetime
) -> None:
    end = world.service.signer.certificate.not_valid_after_utc
    for begin, finish in ((now, end + timedelta(seconds=1)), (now, now), (end, now)):
        request = make_request(now, not_before=begin, not_after=finish)
        with pytest.raises(ValidityError) as caught:
            await world.service.issuer.issue(request)
        assert caught.value.limit == end
    assert await world.service.issuer.issue(make_request(now, not_after=end))
