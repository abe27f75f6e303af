"""Data keys that leave: wrapped for keys of `cryptography`, openssl and gmssl, which open them."""

from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from lifecycle import Life, expect

from interop.pairs import OAEP, theirs
from interop.peers import OPENING, sm2_decrypt, sm2_decrypt_by_openssl, sm2_pair
from interop.scenario import create, raw, scenario, text

Opener = Callable[[bytes], bytes]


def receivers() -> list[tuple[dict[str, str], Opener]]:
    """What to ask for, and who opens it."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = theirs("RSA_2048")
    public = text(private.public_key().public_bytes(*form))
    found: list[tuple[dict[str, str], Opener]] = []
    for algorithm in OAEP:
        named = {"PublicKeyBlob": public, "WrappingKeySpec": "RSA_2048", "WrappingAlgorithm": algorithm}
        found.append((named, lambda blob, algorithm=algorithm: private.decrypt(blob, OPENING[algorithm])))
    number, pkcs8, point = sm2_pair()
    named = {"PublicKeyBlob": text(point), "WrappingKeySpec": "EC_SM2", "WrappingAlgorithm": "SM2PKE"}
    found.append((named, lambda blob: sm2_decrypt(number, blob)))
    found.append((named, lambda blob: sm2_decrypt_by_openssl(pkcs8, blob)))
    return found


@scenario("ExportDataKey")
def a_data_key_reaches_other_implementations(life: Life) -> None:
    key = create(life)
    for wrapper, opens in receivers():
        made = life.ok("GenerateDataKey", KeyId=key)
        left = life.ok("ExportDataKey", CiphertextBlob=made["CiphertextBlob"], **wrapper)
        expect(opens(raw(left["ExportedDataKey"])) == raw(made["Plaintext"]), f"{wrapper}: another data key")


@scenario("GenerateAndExportDataKey")
def a_new_data_key_reaches_other_implementations(life: Life) -> None:
    key = create(life)
    for wrapper, opens in receivers():
        left = life.ok("GenerateAndExportDataKey", KeyId=key, **wrapper)
        kept = life.ok("Decrypt", CiphertextBlob=left["CiphertextBlob"])["Plaintext"]
        expect(opens(raw(left["ExportedDataKey"])) == raw(kept), f"{wrapper}: another data key")
