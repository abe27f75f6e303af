"""SM2 with gmssl and openssl: signatures over its digest with Z, and SM2PKE as C1C3C2."""

import secrets

from checks import openssl
from lifecycle import Life, expect

from interop.peers import (
    by_gmssl,
    sm2_decrypt,
    sm2_decrypt_by_openssl,
    sm2_digest,
    sm2_encrypt,
    sm2_encrypt_by_openssl,
    sm2_pair,
    sm2_sign,
    sm2_verifies,
)
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

SIGNER, OPENER = "SIGN/VERIFY", "ENCRYPT/DECRYPT"


def ours(life: Life, usage: str) -> tuple[Pair, bytes]:
    """A pair of the server's, and its public key in DER."""
    pair = with_version(life, create(life, KeySpec="EC_SM2", KeyUsage=usage))
    return pair, openssl.openssl("pkey", "-pubin", "-outform", "DER", data=public_pem(life, pair).encode())


def brought(life: Life, usage: str) -> tuple[Pair, bytes, bytes, bytes]:
    """A pair of openssl's, imported: with its number, PKCS#8 and public key."""
    number, form, public = sm2_pair()
    key = create(life, KeySpec="EC_SM2", KeyUsage=usage, Origin="EXTERNAL")
    imported(life, key, "SM2PKE_SM4_ECB", by_gmssl, number)
    return with_version(life, key), number, form, public


@scenario("AsymmetricSign")
def gmssl_and_openssl_verify_our_sm2_signatures(life: Life) -> None:
    pair, public = ours(life, SIGNER)
    message = b"signed with Z"
    of = sm2_digest(public, message)
    signature = signed(life, pair, "SM2DSA", of)
    expect(sm2_verifies(public, of, signature), "gmssl refuses it")
    expect(not sm2_verifies(public, digest(), signature), "gmssl takes it for any digest")
    pem = public_pem(life, pair)
    expect(openssl.verifies(pem, "SM2DSA", of, signature), "openssl refuses it for the digest")
    expect(openssl.verifies_sm2_message(pem, message, signature), "openssl refuses it for the message")


@scenario("AsymmetricVerify")
def an_sm2_signature_of_gmssl_holds(life: Life) -> None:
    pair, number, _, public = brought(life, SIGNER)
    of = sm2_digest(public, b"theirs")
    signature = sm2_sign(public, number, of)
    expect(verified(life, pair, "SM2DSA", of, signature) is True, "it does not hold")
    expect(verified(life, pair, "SM2DSA", digest(), signature) is False, "it holds for any digest")
    expect(sm2_verifies(public, of, signed(life, pair, "SM2DSA", of)), "the imported key signs as another")


@scenario("AsymmetricDecrypt")
def what_gmssl_and_openssl_encrypt_under_sm2_opens(life: Life) -> None:
    pair, public = ours(life, OPENER)
    for length in (1, 32, 100, 1000):
        plaintext = secrets.token_bytes(length)
        for encrypt in (sm2_encrypt, sm2_encrypt_by_openssl):
            blob = text(encrypt(public, plaintext))
            named = {**pair.named(), "Algorithm": "SM2PKE", "CiphertextBlob": blob}
            opened = raw(life.ok("AsymmetricDecrypt", **named)["Plaintext"])
            expect(opened == plaintext, f"{encrypt.__name__}: {length} bytes open to others")


@scenario("AsymmetricEncrypt")
def gmssl_and_openssl_open_what_we_encrypt_under_sm2(life: Life) -> None:
    pair, number, form, _ = brought(life, OPENER)
    for length in (1, 32, 6047):
        plaintext = b"\x01" + secrets.token_bytes(length)[1:]
        named = {**pair.named(), "Algorithm": "SM2PKE", "Plaintext": text(plaintext)}
        blob = raw(life.ok("AsymmetricEncrypt", **named)["CiphertextBlob"])
        expect(len(blob) == 97 + length and blob[0] == 4, f"{length} bytes became {len(blob)}")
        expect(sm2_decrypt(number, blob) == plaintext, f"gmssl opens {length} bytes to others")
        expect(sm2_decrypt_by_openssl(form, blob) == plaintext, f"openssl opens {length} bytes to others")
