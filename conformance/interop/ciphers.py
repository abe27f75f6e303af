"""AES-GCM and SM4-GCM with imported material: our blobs opened by `cryptography`, its blobs opened by us."""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lifecycle import Life, expect

from interop.peers import by_cryptography, sm4_blocks
from interop.scenario import create, imported, raw, scenario, text

BLOCKS = {"Aliyun_AES_256": algorithms.AES, "Aliyun_SM4": algorithms.SM4}
CONTEXT = '{"b": "2", "a": "1 & 2"}'
AAD = hashlib.sha256(b"a=1 & 2&b=2").digest()
PLAINTEXT = "some text, 密钥, longer than one block"


def opens_ours(life: Life, key: str, spec: str, material: bytes) -> None:
    """`cryptography` opens a blob of ours: version, IV, ciphertext, tag; with and without a context."""
    for context, aad in ({"EncryptionContext": CONTEXT}, AAD), ({}, b""):
        blob = raw(life.ok("Encrypt", KeyId=key, Plaintext=PLAINTEXT, **context)["CiphertextBlob"])
        body, tag = blob[48:-16], blob[-16:]
        opener = Cipher(BLOCKS[spec](material), modes.GCM(blob[36:48], tag)).decryptor()
        opener.authenticate_additional_data(aad)
        try:
            opened = opener.update(body) + opener.finalize()
        except InvalidTag:
            raise ValueError(f"{spec}: cryptography does not open our blob") from None
        expect(opened == PLAINTEXT.encode(), f"{spec}: our blob is {opened!r}")


def ours_opens_theirs(life: Life, key: str, spec: str, material: bytes) -> None:
    """We open a blob that `cryptography` has sealed."""
    version = life.ok("DescribeKey", KeyId=key)["KeyMetadata"]["PrimaryKeyVersion"]
    iv = secrets.token_bytes(12)
    sealer = Cipher(BLOCKS[spec](material), modes.GCM(iv)).encryptor()
    sealer.authenticate_additional_data(AAD)
    body = sealer.update(PLAINTEXT.encode()) + sealer.finalize()
    blob = text(version.encode() + iv + body + sealer.tag)
    opened = life.ok("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"]
    expect(opened == PLAINTEXT, f"{spec}: their blob is {opened!r}")
    life.refused("InvalidParameter", 400, "Decrypt", CiphertextBlob=blob)


def sealed_here(life: Life, spec: str) -> tuple[str, bytes]:
    key, material = create(life, KeySpec=spec, Origin="EXTERNAL"), secrets.token_bytes(32 if "AES" in spec else 16)
    imported(life, key, "RSAES_OAEP_SHA_256", by_cryptography, material)
    return key, material


@scenario("Encrypt")
def cryptography_opens_our_blobs(life: Life) -> None:
    for spec in BLOCKS:
        key, material = sealed_here(life, spec)
        opens_ours(life, key, spec, material)


@scenario("Encrypt")
def gmssl_s_sm4_gives_the_key_stream_of_our_blob(life: Life) -> None:
    key, material = sealed_here(life, "Aliyun_SM4")
    blob = raw(life.ok("Encrypt", KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"])
    body, iv = blob[48:-16], blob[36:48]
    counters = b"".join(iv + count.to_bytes(4, "big") for count in range(2, 2 + len(body) // 16 + 1))
    stream = sm4_blocks(material, counters)
    opened = bytes(one ^ other for one, other in zip(body, stream, strict=False))
    expect(opened == PLAINTEXT.encode(), f"gmssl opens it to {opened!r}")


@scenario("Decrypt")
def their_blobs_open_here(life: Life) -> None:
    for spec in BLOCKS:
        key, material = sealed_here(life, spec)
        ours_opens_theirs(life, key, spec, material)
