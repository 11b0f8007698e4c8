"""A certificate for development, with which songs are signed on this machine where `Marking` is `c2pa`."""

import json
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LASTS: Final = timedelta(days=365)
# The clocks of two machines may differ.
_EARLIER: Final = timedelta(hours=1)


def development_key(now: datetime | None = None) -> str:
    """Return the content of the signing secret: a certificate under an authority of its own, which nobody trusts. It is
    valid for a year from `now`.
    """
    begins = (now or datetime.now(UTC)) - _EARLIER
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Fermata development authority", authority, authority, begins)
    leaf = _certificate("Fermata on this machine", own, authority, begins)
    return json.dumps(
        {
            "certificates": "".join(each.public_bytes(Encoding.PEM).decode() for each in (leaf, root)),
            "private_key": own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "algorithm": "es256",
        }
    )


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePrivateKey, begins: datetime
) -> x509.Certificate:
    """Return a certificate of the profile that C2PA asks for (C2PA 2.4, 14.5)."""
    is_root = key is issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("Fermata development authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + _LASTS)
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(_usage(is_root=is_root), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
    )
    if not is_root:
        signs = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(signs, critical=False)
    return builder.sign(issuer, SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fermata"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def _usage(*, is_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=is_root,
        encipher_only=False,
        decipher_only=False,
    )
