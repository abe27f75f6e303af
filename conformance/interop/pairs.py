"""RSA and elliptic curves with `cryptography` and openssl: signatures and encryption, keys of theirs and of ours."""

from functools import cache
from typing import Any

from checks import openssl
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lifecycle import Life, expect

from interop.peers import OPENING, SHA_256, SIGNING, by_cryptography, pkcs8
from interop.scenario import (
    Pair,
    create,
    digest,
    imported,
    public_pem,
    raw,
    scenario,
    signed,
    text,
    verified,
    with_version,
)

RSA = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
CURVES: dict[str, ec.EllipticCurve] = {"EC_P256": ec.SECP256R1(), "EC_P256K": ec.SECP256K1()}
OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
HYBRID = "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD"


def algorithms_of(spec: str) -> tuple[str, ...]:
    return ("RSA_PSS_SHA_256", "RSA_PKCS1_SHA_256") if spec in RSA else ("ECDSA_SHA_256",)


@cache
def theirs(spec: str) -> Any:
    """A private key that `cryptography` has made."""
    return rsa.generate_private_key(65537, RSA[spec]) if spec in RSA else ec.generate_private_key(CURVES[spec])


def ours(life: Life, spec: str, usage: str) -> Pair:
    return with_version(life, create(life, KeySpec=spec, KeyUsage=usage))


def brought(life: Life, spec: str, usage: str) -> Pair:
    """The key of `cryptography`, imported."""
    key = create(life, KeySpec=spec, KeyUsage=usage, Origin="EXTERNAL")
    imported(life, key, HYBRID, by_cryptography, pkcs8(theirs(spec)))
    return with_version(life, key)


def holds(public: Any, algorithm: str, signature: bytes, of: bytes) -> bool:
    """What `cryptography` says of a signature."""
    scheme = (SIGNING[algorithm], SHA_256) if algorithm in SIGNING else (ec.ECDSA(SHA_256),)
    try:
        public.verify(signature, of, *scheme)
    except InvalidSignature:
        return False
    return True


@scenario("AsymmetricSign")
def cryptography_and_openssl_verify_our_signatures(life: Life) -> None:
    for spec in (*RSA, *CURVES):
        pair = ours(life, spec, "SIGN/VERIFY")
        pem = public_pem(life, pair)
        public = serialization.load_pem_public_key(pem.encode())
        for algorithm in algorithms_of(spec):
            of, other = digest(), digest()
            signature = signed(life, pair, algorithm, of)
            expect(holds(public, algorithm, signature, of), f"cryptography refuses {algorithm} of {spec}")
            expect(not holds(public, algorithm, signature, other), f"{algorithm} of {spec} fits any digest")
            expect(openssl.verifies(pem, algorithm, of, signature), f"openssl refuses {algorithm} of {spec}")


@scenario("AsymmetricVerify")
def signatures_of_cryptography_hold(life: Life) -> None:
    for spec in (*RSA, *CURVES):
        pair, private = brought(life, spec, "SIGN/VERIFY"), theirs(spec)
        for algorithm in algorithms_of(spec):
            of = digest()
            scheme = (SIGNING[algorithm], SHA_256) if spec in RSA else (ec.ECDSA(SHA_256),)
            signature = private.sign(of, *scheme)
            expect(verified(life, pair, algorithm, of, signature) is True, f"{algorithm} of {spec} does not hold")
            expect(verified(life, pair, algorithm, digest(), signature) is False, f"{algorithm} of {spec} fits all")
            mine = signed(life, pair, algorithm, of)
            expect(holds(private.public_key(), algorithm, mine, of), f"an imported {spec} signs as another key")


@scenario("GetPublicKey")
def the_public_key_of_an_imported_pair_is_theirs(life: Life) -> None:
    for spec in (*RSA, *CURVES):
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        pem = theirs(spec).public_key().public_bytes(*form).decode()
        expect(public_pem(life, brought(life, spec, "SIGN/VERIFY")) == pem, f"{spec}: another public key, or form")


@scenario("AsymmetricDecrypt")
def what_cryptography_and_openssl_encrypt_opens(life: Life) -> None:
    for spec in RSA:
        pair = ours(life, spec, "ENCRYPT/DECRYPT")
        public: Any = serialization.load_pem_public_key(public_pem(life, pair).encode())
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        der = public.public_bytes(*form)
        for algorithm in OAEP:
            for blob in (public.encrypt(b"theirs", OPENING[algorithm]), openssl.encrypt(der, algorithm, b"theirs")):
                named = {**pair.named(), "Algorithm": algorithm, "CiphertextBlob": text(blob)}
                opened = raw(life.ok("AsymmetricDecrypt", **named)["Plaintext"])
                expect(opened == b"theirs", f"{algorithm} of {spec} opens to {opened!r}")


@scenario("AsymmetricEncrypt")
def cryptography_and_openssl_open_what_we_encrypt(life: Life) -> None:
    for spec in RSA:
        pair, private = brought(life, spec, "ENCRYPT/DECRYPT"), theirs(spec)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem = private.private_bytes(*form)
        for algorithm in OAEP:
            named = {**pair.named(), "Algorithm": algorithm, "Plaintext": text(b"ours")}
            blob = raw(life.ok("AsymmetricEncrypt", **named)["CiphertextBlob"])
            expect(private.decrypt(blob, OPENING[algorithm]) == b"ours", f"cryptography: {algorithm} of {spec}")
            expect(openssl.decrypt(pem, algorithm, blob) == b"ours", f"openssl: {algorithm} of {spec}")


@scenario("ReEncrypt")
def what_cryptography_encrypts_moves_under_a_symmetric_key(life: Life) -> None:
    pair, target = ours(life, "RSA_2048", "ENCRYPT/DECRYPT"), create(life)
    public: Any = serialization.load_pem_public_key(public_pem(life, pair).encode())
    for algorithm in OAEP:
        source = {"SourceKeyId": pair.key, "SourceKeyVersionId": pair.version, "SourceEncryptionAlgorithm": algorithm}
        blob = text(public.encrypt(b"moving", OPENING[algorithm]))
        moved = life.ok("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=target, **source)
        expect((moved["KeyId"], moved["KeyVersionId"]) == pair, "the answer does not name the source")
        opened = life.ok("Decrypt", CiphertextBlob=moved["CiphertextBlob"])["Plaintext"]
        expect(raw(opened) == b"moving", f"{algorithm}: moved to {opened}")
