"""The profile of a person's certificates: subject and extensions (docs/facts.md §2.7).

Where the page is silent the usual practice for such cards is followed: the signature is
non-repudiable and never used to log in, authentication never signs documents, and the encryption
key signs nothing. No certificate policy is asserted, since the government's are not ours to give.
"""

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    ExtensionOID,
    NameOID,
)

from services.authority.ca.ca_certificate import key_usage
from services.authority.ca.publication import PublicationUrls
from services.authority.interface.certificates import CertificateKind, CertificateRequest

SUBJECT_TYPE = x509.ObjectIdentifier("2.16.886.1.100.2.1")
NATURAL_PERSON = x509.ObjectIdentifier("2.16.886.1.100.3.1.1")
"""For aliens no value of their own is known."""
ID_LAST_FOUR = x509.ObjectIdentifier("2.16.886.1.100.2.51")
CARD_NUMBER = x509.ObjectIdentifier("2.16.886.1.100.2.204")
FULL_NAME = x509.ObjectIdentifier("2.5.4.41")
_LONGEST_COMMON_NAME = 64
"""In bytes of UTF-8, which is how the strictest readers count."""

_USAGES = {
    CertificateKind.AUTHENTICATION: ("digital_signature",),
    CertificateKind.SIGNATURE: ("digital_signature", "content_commitment"),
    CertificateKind.ENCRYPTION: ("key_encipherment", "data_encipherment"),
}
_PURPOSES = {
    CertificateKind.AUTHENTICATION: ExtendedKeyUsageOID.CLIENT_AUTH,
    CertificateKind.SIGNATURE: ExtendedKeyUsageOID.EMAIL_PROTECTION,
    CertificateKind.ENCRYPTION: ExtendedKeyUsageOID.EMAIL_PROTECTION,
}


@asn1.sequence
class _TypeAttribute:
    type: x509.ObjectIdentifier
    values: asn1.SetOf[x509.ObjectIdentifier]


@asn1.sequence
class _TextAttribute:
    type: x509.ObjectIdentifier
    values: asn1.SetOf[asn1.PrintableString]


@asn1.sequence
class DirectoryAttributes:
    """``subjectDirectoryAttributes``: that this is a person, which one, and which card."""

    subject_type: _TypeAttribute
    id_last_four: _TextAttribute
    card_number: _TextAttribute


def build_subject(request: CertificateRequest) -> x509.Name:
    """Return the subject: country, name, and the number that stands for the person.

    A name too long for a common name is cut there and stands whole in an attribute of its own.
    """
    common = _truncate(request.name)
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "TW"),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, request.person_serial),
    ]
    if common != request.name:
        attributes.append(x509.NameAttribute(FULL_NAME, request.name))
    return x509.Name(attributes)


def build_extensions(
    kind: CertificateKind, request: CertificateRequest, urls: PublicationUrls, ca_key_id: str
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """Yield every extension but the key identifiers, with whether it is critical."""
    yield x509.BasicConstraints(ca=False, path_length=None), True
    yield key_usage(*_USAGES[kind]), True
    yield x509.ExtendedKeyUsage([_PURPOSES[kind]]), False
    yield x509.SubjectAlternativeName([x509.RFC822Name(request.mail_address)]), False
    yield _directory_attributes(request), False
    yield _distribution_point(urls.crl(ca_key_id)), False
    yield _authority_access(urls, ca_key_id), False


def _directory_attributes(request: CertificateRequest) -> x509.UnrecognizedExtension:
    attributes = DirectoryAttributes(
        subject_type=_TypeAttribute(type=SUBJECT_TYPE, values=asn1.SetOf([NATURAL_PERSON])),
        id_last_four=_text(ID_LAST_FOUR, request.id_last_four),
        card_number=_text(CARD_NUMBER, request.card_number),
    )
    oid = ExtensionOID.SUBJECT_DIRECTORY_ATTRIBUTES
    return x509.UnrecognizedExtension(oid, asn1.encode_der(attributes))


def _text(kind: x509.ObjectIdentifier, value: str) -> _TextAttribute:
    return _TextAttribute(type=kind, values=asn1.SetOf([asn1.PrintableString(value)]))


def _distribution_point(url: str) -> x509.CRLDistributionPoints:
    where = [x509.UniformResourceIdentifier(url)]
    return x509.CRLDistributionPoints([x509.DistributionPoint(where, None, None, None)])


def _authority_access(urls: PublicationUrls, ca_key_id: str) -> x509.AuthorityInformationAccess:
    methods = (
        (AuthorityInformationAccessOID.OCSP, urls.ocsp),
        (AuthorityInformationAccessOID.CA_ISSUERS, urls.ca_certificate(ca_key_id)),
    )
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(how, x509.UniformResourceIdentifier(url)) for how, url in methods]
    )


def _truncate(name: str) -> str:
    kept = name.encode()[:_LONGEST_COMMON_NAME]
    return kept.decode(errors="ignore").rstrip()
