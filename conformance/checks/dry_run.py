"""`DryRun`: the three verdicts of every operation that uses a key. Source: keys.md §9.1."""

from collections.abc import Callable
from typing import Any

from checks.asymmetric import DIGEST, NO_VERSION, sign
from checks.crypto import CONTEXT
from checks.data_keys import wrapper
from checks.keys import NO_KEY, a_key
from checks.mac import MESSAGE, mac_of, maker
from checks.pairs import denied, opener, signer
from checks.run import Run, check, match

Parameters = dict[str, Any]


def _by_blob(run: Run) -> Parameters:
    made = run.see("Encrypt", KeyId=a_key(run, "tried"), Plaintext="x", EncryptionContext=CONTEXT)
    return {"CiphertextBlob": made["CiphertextBlob"]}


def _in_context(run: Run) -> Parameters:
    return {**_by_blob(run), "EncryptionContext": CONTEXT}


def _moved(run: Run) -> Parameters:
    return {**_by_blob(run), "SourceEncryptionContext": CONTEXT, "DestinationKeyId": a_key(run, "tried")}


def _key(run: Run) -> Parameters:
    return {"KeyId": a_key(run, "tried")}


def _signed(run: Run) -> Parameters:
    pair = signer(run, "EC_P256")
    return {**pair.named(), "Algorithm": "ECDSA_SHA_256", "Digest": DIGEST}


def _verified(run: Run) -> Parameters:
    return {**_signed(run), "Value": sign(run, signer(run, "EC_P256"), "ECDSA_SHA_256")}


def _sealed(run: Run) -> Parameters:
    return {**opener(run, "EC_SM2").named(), "Algorithm": "SM2PKE", "Plaintext": "aGVsbG8="}


def _opened(run: Run) -> Parameters:
    sealed = run.see("AsymmetricEncrypt", **_sealed(run))["CiphertextBlob"]
    return {**opener(run, "EC_SM2").named(), "Algorithm": "SM2PKE", "CiphertextBlob": sealed}


def _authenticated(run: Run) -> Parameters:
    return {"KeyId": maker(run, "HMAC_SHA_256").key, "Algorithm": "HMAC_SHA_256", "Message": MESSAGE}


def _mac(run: Run) -> Parameters:
    return {**_authenticated(run), "Mac": mac_of(run, maker(run, "HMAC_SHA_256").key, "HMAC_SHA_256")}


NO_SUCH_KEY = {"KeyId": NO_KEY}
NO_SUCH_VERSION = {"KeyVersionId": NO_VERSION}
NO_BLOB = {"CiphertextBlob": "not base64!"}

CIPHER = ("Aliyun_AES_256", "ENCRYPT/DECRYPT")
SIGNER = ("EC_P256", "SIGN/VERIFY")
OPENER = ("EC_SM2", "ENCRYPT/DECRYPT")
CODER = ("Aliyun_HMAC_SHA_256", "GENERATE/VERIFY")


def _denied(run: Run, kind: tuple[str, str], parameters: Parameters) -> Parameters:
    """The same with a key that the user may not use."""
    pair = denied(run, *kind)
    if "KeyId" in parameters:
        return parameters | {name: value for name, value in pair.named().items() if name in parameters}
    return parameters | {"CiphertextBlob": run.aside("Encrypt", KeyId=pair.key, Plaintext="x")["CiphertextBlob"]}


# A call that would work, what spoils it, and the kind of its key.
TRIED: dict[str, tuple[Callable[[Run], Parameters], Parameters, tuple[str, str]]] = {
    "Encrypt": (lambda run: {**_key(run), "Plaintext": "x"}, NO_SUCH_KEY, CIPHER),
    "Decrypt": (_in_context, NO_BLOB, CIPHER),
    "ReEncrypt": (_moved, {"DestinationKeyId": NO_KEY}, CIPHER),
    "GenerateDataKey": (_key, NO_SUCH_KEY, CIPHER),
    "GenerateDataKeyWithoutPlaintext": (_key, {"NumberOfBytes": 1025}, CIPHER),
    "ExportDataKey": (lambda run: {**_in_context(run), **wrapper()}, NO_BLOB, CIPHER),
    "GenerateAndExportDataKey": (lambda run: {**_key(run), **wrapper()}, {"PublicKeyBlob": "AAAA"}, CIPHER),
    "AsymmetricSign": (_signed, {"Digest": "aGVsbG8="}, SIGNER),
    "AsymmetricVerify": (_verified, NO_SUCH_VERSION, SIGNER),
    "AsymmetricEncrypt": (_sealed, NO_SUCH_VERSION, OPENER),
    "AsymmetricDecrypt": (_opened, {"CiphertextBlob": "aGVsbG8="}, OPENER),
    "GetPublicKey": (lambda run: signer(run, "EC_P256").named(), NO_SUCH_VERSION, SIGNER),
    "GenerateMac": (_authenticated, {"Algorithm": "HMAC_SHA_512"}, CODER),
    "VerifyMac": (_mac, NO_SUCH_KEY, CODER),
}


def tries(operation: str) -> None:
    """Registers the check of one operation."""
    good, spoilt, kind = TRIED[operation]

    def a_dry_run_gives_one_of_three_verdicts(run: Run) -> None:
        if not run.knows(operation, "DryRun"):
            return
        parameters = good(run)
        run.refused("DryRunOperationError", 400, operation, **parameters, DryRun="true")
        run.refused("ValidationError", 400, operation, **parameters | spoilt, DryRun="true")
        closed = _denied(run, kind, parameters)
        run.refused("AccessDeniedError", 403, operation, who="user", **closed, DryRun="true")
        match(run.ok(operation, **parameters, DryRun="false"), {"RequestId": str})

    check(operation)(a_dry_run_gives_one_of_three_verdicts)


for _operation in TRIED:
    tries(_operation)
