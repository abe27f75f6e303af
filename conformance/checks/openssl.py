"""What openssl says and does: the other side of every key pair and of every wrapped material."""

import functools
import secrets
import subprocess
import tempfile
import threading
from pathlib import Path

OAEP = {
    "RSAES_OAEP_SHA_1": ("rsa_padding_mode:oaep", "rsa_oaep_md:sha1", "rsa_mgf1_md:sha1"),
    "RSAES_OAEP_SHA_256": ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"),
    "RSAES_PKCS1_V1_5": ("rsa_padding_mode:pkcs1",),
}
HYBRID = "_AES_256_ECB_PKCS7_PAD"
SIGNATURE = {
    "RSA_PSS_SHA_256": ("digest:sha256", "rsa_padding_mode:pss", "rsa_pss_saltlen:32", "rsa_mgf1_md:sha256"),
    "RSA_PKCS1_SHA_256": ("digest:sha256", "rsa_padding_mode:pkcs1"),
    "ECDSA_SHA_256": (),
    "SM2DSA": (),
}

_MAKING = threading.Lock()


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    """Runs openssl, with these bytes as its input; its output."""
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def wrapping_pair() -> tuple[bytes, bytes]:
    """An RSA key of openssl's, one for all clients: the private one as PEM, the public one as DER."""
    with _MAKING:  # without it, two clients at once would have two pairs, and one of them the half of each
        return _wrapping_pair()


@functools.cache
def _wrapping_pair() -> tuple[bytes, bytes]:
    private = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    return private, openssl("pkey", "-pubout", "-outform", "DER", data=private)


def encrypt(public: bytes, algorithm: str, data: bytes) -> bytes:
    """`data` under an RSA key in DER, or under an AES key that is under it."""
    if algorithm.endswith(HYBRID):
        ephemeral = secrets.token_bytes(32)
        under = openssl("enc", "-aes-256-ecb", "-K", ephemeral.hex(), data=data)
        return encrypt(public, algorithm.removesuffix(HYBRID), ephemeral) + under
    return _pkeyutl("-encrypt", public, data, OAEP[algorithm], "-pubin", "-keyform", "DER")


def private_key(spec: str) -> bytes:
    """A fresh private key of this kind, as PKCS#8."""
    options = {
        "RSA_2048": ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "EC_P256": ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    }
    made = openssl("genpkey", "-algorithm", *options[spec])
    return openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=made)


def public_key(private: bytes) -> str:
    """The public half of a private key in PKCS#8, as PEM."""
    return openssl("pkey", "-inform", "DER", "-pubout", data=private).decode()


def modulus(private: bytes) -> bytes:
    """The modulus of an RSA key in PKCS#8."""
    told = openssl("rsa", "-inform", "DER", "-noout", "-modulus", data=private)
    return bytes.fromhex(told.decode().strip().partition("=")[2])


def sign(private: bytes, message: bytes) -> bytes:
    """A PKCS#1 signature of a message's SHA-256, by an RSA key in PKCS#8."""
    options = SIGNATURE["RSA_PKCS1_SHA_256"][1:]
    return _pkeyutl("-sign", private, message, options, "-keyform", "DER", "-rawin", "-digest", "sha256")


def decrypt(private: bytes, algorithm: str, data: bytes) -> bytes:
    """What an RSA key in PEM opens."""
    return _pkeyutl("-decrypt", private, data, OAEP[algorithm])


def verifies(public: str, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Whether openssl takes a signature of these 32 bytes for that of a public key in PEM."""
    return _verifies(public, digest, signature, SIGNATURE[algorithm])


def verifies_sm2_message(public: str, message: bytes, signature: bytes) -> bool:
    """The same for a message, of which openssl makes the digest itself, with the usual signer's id."""
    return _verifies(public, message, signature, ("distid:1234567812345678",), "-rawin", "-digest", "sm3")


def _verifies(public: str, signed: bytes, signature: bytes, options: tuple[str, ...], *more: str) -> bool:
    with tempfile.NamedTemporaryFile() as file:
        file.write(signature)
        file.flush()
        try:
            _pkeyutl("-verify", public.encode(), signed, options, "-pubin", "-sigfile", file.name, *more)
        except subprocess.CalledProcessError:
            return False
    return True


def _pkeyutl(verb: str, key: bytes, data: bytes, options: tuple[str, ...], *more: str) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "key"
        file.write_bytes(key)
        spelled = [part for option in options for part in ("-pkeyopt", option)]
        data_file = Path(directory) / "data"
        data_file.write_bytes(data)
        return openssl("pkeyutl", verb, "-in", str(data_file), "-inkey", str(file), *more, *spelled)
