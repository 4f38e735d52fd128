"""Certificates for one server: each with a certificate authority of its own, whose key is forgotten at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SKEW = timedelta(minutes=5)
"""How far clocks may differ: a certificate begins that much earlier."""


@dataclass(frozen=True)
class Pair:
    """A serving certificate with its key, and the authority that signed it, as PEM."""

    certificate: bytes
    key: bytes
    authority: bytes


def mint(host: str, now: datetime, lifetime: timedelta) -> Pair:
    """Make a certificate for one DNS name."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name(f"PickleBall webhook {now:%Y-%m-%dT%H:%M:%SZ}")
    authority = (
        _begin(issuer, issuer, authority_key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(host)], None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _begin(_name("pickleball-webhook"), issuer, key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(certificate.public_bytes(pem), plain, authority.public_bytes(pem))


def fits(certificate: bytes, key: bytes, authorities: list[bytes], host: str) -> bool:
    """Whether they belong together and to this host."""
    try:
        leaf = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, None)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authorities[0]))
    except (ValueError, TypeError, IndexError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return private.public_key() == leaf.public_key() and host in names.get_values_for_type(x509.DNSName)


def ends(certificate: bytes) -> datetime:
    """When it runs out."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def begins(certificate: bytes) -> datetime:
    """From when it holds."""
    return x509.load_pem_x509_certificate(certificate).not_valid_before_utc


def split(bundle: bytes) -> list[bytes]:
    """The certificates of a bundle, in their order; ValueError where one cannot be read."""
    return [one.public_bytes(serialization.Encoding.PEM) for one in x509.load_pem_x509_certificates(bundle)]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
