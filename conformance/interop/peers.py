"""The other implementations: `cryptography`, gmssl, and openssl for what checks/openssl.py does not know."""

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checks.openssl import HYBRID, openssl
from checks.openssl import encrypt as openssl_encrypt
from Cryptodome.Util.asn1 import DerInteger, DerOctetString, DerSequence
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from gmssl.sm2 import CryptSM2
from gmssl.sm4 import SM4_DECRYPT, SM4_ENCRYPT, CryptSM4

Wrap = Callable[[bytes, str, bytes], bytes]
SHA_256 = Prehashed(hashes.SHA256())


def _oaep(hash_of: type[hashes.HashAlgorithm]) -> rsa_padding.OAEP:
    return rsa_padding.OAEP(rsa_padding.MGF1(hash_of()), hash_of(), None)


OPENING: dict[str, Any] = {
    "RSAES_OAEP_SHA_1": _oaep(hashes.SHA1),
    "RSAES_OAEP_SHA_256": _oaep(hashes.SHA256),
    "RSAES_PKCS1_V1_5": rsa_padding.PKCS1v15(),
}
SIGNING: dict[str, Any] = {
    "RSA_PSS_SHA_256": rsa_padding.PSS(rsa_padding.MGF1(hashes.SHA256()), 32),
    "RSA_PKCS1_SHA_256": rsa_padding.PKCS1v15(),
}


def pkcs8(private: Any) -> bytes:
    """A private key of `cryptography` in DER."""
    form = serialization.PrivateFormat.PKCS8
    der: bytes = private.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
    return der


def by_cryptography(public: bytes, algorithm: str, material: bytes) -> bytes:
    """Material as `cryptography` wraps it under an RSA key."""
    key: Any = serialization.load_der_public_key(public)
    if not algorithm.endswith(HYBRID):
        wrapped: bytes = key.encrypt(material, OPENING[algorithm])
        return wrapped
    ephemeral = secrets.token_bytes(32)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(material) + padder.finalize()
    aes = Cipher(algorithms.AES(ephemeral), modes.ECB()).encryptor()
    return by_cryptography(public, algorithm.removesuffix(HYBRID), ephemeral) + aes.update(padded) + aes.finalize()


def by_openssl(public: bytes, algorithm: str, material: bytes) -> bytes:
    """Material as openssl wraps it, under any key."""
    if algorithm == "SM2PKE":
        return sm2_encrypt_by_openssl(public, material)
    if algorithm == "SM2PKE_SM4_ECB":
        ephemeral = secrets.token_bytes(16)
        under = openssl("enc", "-sm4-ecb", "-nopad", "-K", ephemeral.hex(), data=material)
        return sm2_encrypt_by_openssl(public, ephemeral) + under
    return openssl_encrypt(public, algorithm, material)


def by_gmssl(public: bytes, algorithm: str, material: bytes) -> bytes:
    """Material as gmssl wraps it under an SM2 key."""
    if algorithm == "SM2PKE":
        return sm2_encrypt(public, material)
    ephemeral = secrets.token_bytes(16)
    return sm2_encrypt(public, ephemeral) + sm4_blocks(ephemeral, material)


def sm4_blocks(key: bytes, data: bytes) -> bytes:
    """Whole blocks under SM4 as gmssl does it, each for itself."""
    cipher = CryptSM4(padding_mode=None)
    cipher.set_key(key, SM4_ENCRYPT)
    blocks: bytes = cipher.crypt_ecb(data)
    back = CryptSM4(padding_mode=None)
    back.set_key(key, SM4_DECRYPT)
    assert back.crypt_ecb(blocks) == data, "gmssl does not open what it has encrypted"
    return blocks


def sm2(public: bytes = b"", private: bytes = b"") -> CryptSM2:
    """gmssl's SM2 with these keys: the public one ends with its point, the private one is its number."""
    made = CryptSM2(private_key=private.hex(), public_key="", mode=1, asn1=True)
    made.public_key = public[-64:].hex()  # not by its constructor, which takes leading zeros and fours away
    return made


def sm2_encrypt(public: bytes, data: bytes) -> bytes:
    """C1C3C2, with the byte 4 before the point, which gmssl leaves out."""
    return b"\x04" + sm2(public).encrypt(data)


def sm2_decrypt(private: bytes, data: bytes) -> bytes:
    opened: bytes = sm2(private=private).decrypt(data[1:])
    return opened


def sm2_digest(public: bytes, message: bytes) -> bytes:
    """SM3 of the signer's Z and the message, as gmssl computes it."""
    return bytes.fromhex(sm2(public)._sm3_z(message))


def sm2_sign(public: bytes, private: bytes, digest: bytes) -> bytes:
    """A signature in DER."""
    signature: str = sm2(public, private).sign(digest, secrets.token_hex(32))
    return bytes.fromhex(signature)


def sm2_verifies(public: bytes, digest: bytes, signature: bytes) -> bool:
    return bool(sm2(public).verify(signature.hex(), digest))


def sm2_pair() -> tuple[bytes, bytes, bytes]:
    """A key of openssl's: its number, PKCS#8, and the public key, both in DER."""
    form = openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=openssl("genpkey", "-algorithm", "SM2"))
    inner = DerSequence().decode(DerOctetString().decode(DerSequence().decode(form)[2]).payload)
    number = DerOctetString().decode(inner[1]).payload
    return number, form, openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=form)


def sm2_encrypt_by_openssl(public: bytes, data: bytes) -> bytes:
    """openssl writes ASN.1; the wire has the point, C3 and C2, one after the other."""
    sealed = DerSequence().decode(_with_key(public, data, "-encrypt", "-pubin"))
    point = b"".join(int(each).to_bytes(32, "big") for each in sealed[:2])
    return b"\x04" + point + b"".join(DerOctetString().decode(each).payload for each in sealed[2:])


def sm2_decrypt_by_openssl(private: bytes, data: bytes) -> bytes:
    """openssl checks C3, which gmssl does not."""
    numbers = [DerInteger(int.from_bytes(part, "big")) for part in (data[1:33], data[33:65])]
    sealed = DerSequence([*numbers, DerOctetString(data[65:97]), DerOctetString(data[97:])])
    return _with_key(private, sealed.encode(), "-decrypt")


def _with_key(key: bytes, data: bytes, *verb: str) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "key"
        file.write_bytes(key)
        return openssl("pkeyutl", *verb, "-inkey", str(file), "-keyform", "DER", data=data)
