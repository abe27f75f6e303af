"""Key pairs: encryption, signatures, public keys. Sources: keys.md §3.3, §10, §18."""

import base64
import re

from checks import openssl
from checks.keys import NO_KEY
from checks.pairs import OPENING, SHA_256, SIGNING, Made, denied, make, opener, signer
from checks.run import ABSENT, BASE64, Run, check, match, require

NO_VERSION = "00000000-0000-4000-8000-000000000000"
DIGEST = base64.b64encode(SHA_256).decode()
OTHER_DIGEST = base64.b64encode(SHA_256[::-1]).decode()
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PUBLIC KEY-----\n")


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def public_key(run: Run, pair: Made) -> str:
    pem: str = run.see("GetPublicKey", **pair.named())["PublicKey"]
    return pem


def der(pem: str) -> bytes:
    return base64.b64decode("".join(pem.splitlines()[1:-1]))


def sign(run: Run, pair: Made, algorithm: str) -> str:
    value: str = run.see("AsymmetricSign", **pair.named(), Algorithm=algorithm, Digest=DIGEST)["Value"]
    return value


def refuses_wrong_names(run: Run, operation: str, pair: Made, **rest: str) -> None:
    """What all five operations say of a key or a version that is not there, or not for the caller."""
    run.ok(operation, who="user", **pair.named(), **rest)
    version = {"KeyVersionId": pair.version}
    run.refused("Forbidden.KeyNotFound", 404, operation, KeyId=NO_KEY, **version, **rest)
    run.refused("Forbidden.AliasNotFound", 404, operation, KeyId=f"alias/{run.name('x')}", **version, **rest)
    for unknown in (NO_VERSION, signer(run, "EC_P256K").version):
        run.refused("Forbidden.KeyVersionNotFound", 404, operation, KeyId=pair.key, KeyVersionId=unknown, **rest)
    run.refused("MissingParameter", 400, operation, KeyId=pair.key, KeyVersionId="", **rest)
    closed = denied(run, "EC_P256", "SIGN/VERIFY").named()
    run.refused("Forbidden.NoPermission", 403, operation, who="user", **closed, **rest)
    cipher = {"KeyId": run.dev["key_id"]}
    primary = run.see("DescribeKey", **cipher)["KeyMetadata"]["PrimaryKeyVersion"]
    run.refused("Rejected.UnsupportedOperation", 400, operation, **cipher, KeyVersionId=primary, **rest)


def refuses_wrong_states(run: Run, operation: str, usage: str, **rest: str) -> None:
    """Disabled and waiting for deletion: even what needs the public half alone."""
    pair = make(run, "EC_P256" if usage == "SIGN/VERIFY" else "EC_SM2", usage)
    run.aside("DisableKey", KeyId=pair.key)
    run.refused("Rejected.Disabled", 409, operation, **pair.named(), **rest)
    run.aside("EnableKey", KeyId=pair.key)
    run.aside("ScheduleKeyDeletion", KeyId=pair.key, PendingWindowInDays=7)
    run.refused("Rejected.PendingDeletion", 409, operation, **pair.named(), **rest)


@check("GetPublicKey")
def a_public_key_is_pem_that_openssl_reads(run: Run) -> None:
    for spec in ("RSA_2048", "EC_P256", "EC_P256K", "EC_SM2"):
        pair = signer(run, spec)
        body = run.ok("GetPublicKey", **pair.named())
        match(body, {**pair.named(), "PublicKey": PEM})
        openssl.openssl("pkey", "-pubin", "-noout", data=body["PublicKey"].encode())


@check("GetPublicKey")
def only_a_pair_in_use_has_a_public_key(run: Run) -> None:
    refuses_wrong_names(run, "GetPublicKey", signer(run, "EC_P256"))
    refuses_wrong_states(run, "GetPublicKey", "SIGN/VERIFY")


@check("AsymmetricSign")
def a_signature_is_verified_here_and_by_openssl(run: Run) -> None:
    for spec, algorithm in SIGNING:
        pair = signer(run, spec)
        body = run.ok("AsymmetricSign", **pair.named(), Algorithm=algorithm, Digest=DIGEST)
        match(body, {**pair.named(), "Value": BASE64})
        signature = base64.b64decode(body["Value"], validate=True)
        judged = openssl.verifies(public_key(run, pair), algorithm, SHA_256, signature)
        require(judged, f"openssl does not verify {algorithm} of {spec}")
        ours = run.see("AsymmetricVerify", **pair.named(), Algorithm=algorithm, Digest=DIGEST, Value=body["Value"])
        match(ours, {"Value": True})


@check("AsymmetricSign")
def what_cannot_be_signed_is_refused(run: Run) -> None:
    pair = signer(run, "EC_P256")
    rest = {"Algorithm": "ECDSA_SHA_256", "Digest": DIGEST}
    refuses_wrong_names(run, "AsymmetricSign", pair, **rest)
    refuses_wrong_states(run, "AsymmetricSign", "SIGN/VERIFY", **rest)
    refuses_wrong_algorithms(run, "AsymmetricSign", Digest=DIGEST)
    for digest in (text(SHA_256[:31]), text(SHA_256 + b"x"), "not base64!"):
        run.refused(
            "InvalidParameter", 400, "AsymmetricSign", **pair.named(), Algorithm="ECDSA_SHA_256", Digest=digest
        )
    run.refused("MissingParameter", 400, "AsymmetricSign", **pair.named(), Algorithm="ECDSA_SHA_256", Digest="")


def refuses_wrong_algorithms(run: Run, operation: str, **rest: str) -> None:
    """Unknown, of another spec, of another usage."""
    pair = signer(run, "EC_P256")
    run.refused("InvalidParameter", 400, operation, **pair.named(), Algorithm="ECDSA_SHA_1", **rest)
    run.refused("Rejected.UnsupportedOperation", 400, operation, **pair.named(), Algorithm="RSA_PSS_SHA_256", **rest)
    other = opener(run, "RSA_2048")
    run.refused("Rejected.UnsupportedOperation", 400, operation, **other.named(), Algorithm="RSA_PSS_SHA_256", **rest)


@check("AsymmetricVerify")
def a_signature_holds_for_its_digest_alone(run: Run) -> None:
    for spec, algorithm in SIGNING:
        pair = signer(run, spec)
        named = {**pair.named(), "Algorithm": algorithm}
        value = sign(run, pair, algorithm)
        raw = base64.b64decode(value)
        body = run.ok("AsymmetricVerify", **named, Digest=DIGEST, Value=value)
        match(body, {**pair.named(), "Value": True})
        match(run.ok("AsymmetricVerify", **named, Digest=OTHER_DIGEST, Value=value), {"Value": False})
        for wrong in (raw[:-1] + bytes([raw[-1] ^ 1]), raw[:-1], b"no signature"):
            match(run.ok("AsymmetricVerify", **named, Digest=DIGEST, Value=text(wrong)), {"Value": False})


@check("AsymmetricVerify")
def what_cannot_be_verified_is_refused(run: Run) -> None:
    pair = signer(run, "EC_P256")
    value = sign(run, pair, "ECDSA_SHA_256")
    rest = {"Algorithm": "ECDSA_SHA_256", "Digest": DIGEST, "Value": value}
    refuses_wrong_names(run, "AsymmetricVerify", pair, **rest)
    refuses_wrong_states(run, "AsymmetricVerify", "SIGN/VERIFY", **rest)
    refuses_wrong_algorithms(run, "AsymmetricVerify", Digest=DIGEST, Value=value)
    run.refused("InvalidParameter", 400, "AsymmetricVerify", **pair.named(), **rest | {"Value": "not base64!"})
    run.refused("InvalidParameter", 400, "AsymmetricVerify", **pair.named(), **rest | {"Digest": "aGVsbG8="})


@check("AsymmetricEncrypt")
def what_is_encrypted_under_a_public_key_opens(run: Run) -> None:
    for spec, algorithm, longest in OPENING:
        pair = opener(run, spec)
        named = {**pair.named(), "Algorithm": algorithm}
        for plaintext in (b"x", bytes(range(256)) * 30):
            body = run.ok("AsymmetricEncrypt", **named, Plaintext=text(plaintext[:longest]))
            match(body, {**pair.named(), "CiphertextBlob": BASE64})
            opened = run.see("AsymmetricDecrypt", **named, CiphertextBlob=body["CiphertextBlob"])
            match(opened, {"Plaintext": text(plaintext[:longest])})


@check("AsymmetricEncrypt")
def what_is_too_long_or_not_for_the_key_is_not_encrypted(run: Run) -> None:
    for spec, algorithm, longest in OPENING:
        long = {"Algorithm": algorithm, "Plaintext": text(b"x" * (longest + 1))}
        run.refused("InvalidParameter", 400, "AsymmetricEncrypt", **opener(run, spec).named(), **long)
    pair, rest = opener(run, "RSA_2048"), {"Algorithm": "RSAES_OAEP_SHA_256", "Plaintext": "aGVsbG8="}
    refuses_wrong_names(run, "AsymmetricEncrypt", pair, **rest)
    refuses_wrong_states(run, "AsymmetricEncrypt", "ENCRYPT/DECRYPT", **rest | {"Algorithm": "SM2PKE"})
    refuses_wrong_openers(run, "AsymmetricEncrypt", Plaintext="aGVsbG8=")
    run.refused("InvalidParameter", 400, "AsymmetricEncrypt", **pair.named(), **rest | {"Plaintext": "not base64!"})
    run.refused("MissingParameter", 400, "AsymmetricEncrypt", **pair.named(), **rest | {"Plaintext": ""})


def refuses_wrong_openers(run: Run, operation: str, **rest: str) -> None:
    """Unknown, of another spec, of another usage."""
    pair = opener(run, "RSA_2048")
    run.refused("InvalidParameter", 400, operation, **pair.named(), Algorithm="RSAES_PKCS1_V1_5", **rest)
    run.refused("Rejected.UnsupportedOperation", 400, operation, **pair.named(), Algorithm="SM2PKE", **rest)
    other = {**signer(run, "RSA_2048").named(), "Algorithm": "RSAES_OAEP_SHA_256"}
    run.refused("Rejected.UnsupportedOperation", 400, operation, **other, **rest)


@check("AsymmetricDecrypt")
def what_openssl_encrypts_opens(run: Run) -> None:
    pair = opener(run, "RSA_2048")
    public = der(public_key(run, pair))
    for algorithm in ("RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"):
        blob = text(openssl.encrypt(public, algorithm, b"of openssl"))
        body = run.ok("AsymmetricDecrypt", **pair.named(), Algorithm=algorithm, CiphertextBlob=blob)
        match(body, {**pair.named(), "Plaintext": text(b"of openssl"), "CiphertextForRecipient": ABSENT})


@check("AsymmetricDecrypt")
def what_does_not_open_is_refused_with_one_code(run: Run) -> None:
    pair = opener(run, "RSA_2048")
    made = run.see("AsymmetricEncrypt", **pair.named(), Algorithm="RSAES_OAEP_SHA_256", Plaintext="aGVsbG8=")
    rest = {"Algorithm": "RSAES_OAEP_SHA_256", "CiphertextBlob": made["CiphertextBlob"]}
    refuses_wrong_names(run, "AsymmetricDecrypt", pair, **rest)
    refuses_wrong_openers(run, "AsymmetricDecrypt", CiphertextBlob=made["CiphertextBlob"])
    refuses_wrong_states(run, "AsymmetricDecrypt", "ENCRYPT/DECRYPT", **rest | {"Algorithm": "SM2PKE"})
    raw = base64.b64decode(made["CiphertextBlob"])
    for wrong in (raw[:-1] + bytes([raw[-1] ^ 1]), raw[:-1], b"x"):
        run.refused(
            "InvalidParameter", 400, "AsymmetricDecrypt", **pair.named(), **rest | {"CiphertextBlob": text(wrong)}
        )
    of_sha_1 = rest | {"Algorithm": "RSAES_OAEP_SHA_1"}
    run.refused("InvalidParameter", 400, "AsymmetricDecrypt", **pair.named(), **of_sha_1)
    if run.knows("AsymmetricDecrypt", "Recipient"):
        run.refused("UnsupportedOperation", 400, "AsymmetricDecrypt", **pair.named(), **rest, Recipient="someone")
