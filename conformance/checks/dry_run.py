"""`DryRun`: the three verdicts of every operation that uses a key. Source: keys.md §9.1."""

from collections.abc import Callable
from typing import Any

from checks.asymmetric import DIGEST, NO_VERSION, sign
from checks.crypto import CONTEXT
from checks.data_keys import wrapper
from checks.keys import NO_KEY, a_key
from checks.mac import MESSAGE, mac_of, maker
from checks.pairs import opener, signer
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

# A call that would work, and what spoils it.
TRIED: dict[str, tuple[Callable[[Run], Parameters], Parameters]] = {
    "Encrypt": (lambda run: {**_key(run), "Plaintext": "x"}, NO_SUCH_KEY),
    "Decrypt": (_in_context, NO_BLOB),
    "ReEncrypt": (_moved, {"DestinationKeyId": NO_KEY}),
    "GenerateDataKey": (_key, NO_SUCH_KEY),
    "GenerateDataKeyWithoutPlaintext": (_key, {"NumberOfBytes": 1025}),
    "ExportDataKey": (lambda run: {**_in_context(run), **wrapper()}, NO_BLOB),
    "GenerateAndExportDataKey": (lambda run: {**_key(run), **wrapper()}, {"PublicKeyBlob": "AAAA"}),
    "AsymmetricSign": (_signed, {"Digest": "aGVsbG8="}),
    "AsymmetricVerify": (_verified, NO_SUCH_VERSION),
    "AsymmetricEncrypt": (_sealed, NO_SUCH_VERSION),
    "AsymmetricDecrypt": (_opened, {"CiphertextBlob": "aGVsbG8="}),
    "GetPublicKey": (lambda run: signer(run, "EC_P256").named(), NO_SUCH_VERSION),
    "GenerateMac": (_authenticated, {"Algorithm": "HMAC_SHA_512"}),
    "VerifyMac": (_mac, NO_SUCH_KEY),
}


def tries(operation: str) -> None:
    """Registers the check of one operation."""
    good, spoilt = TRIED[operation]

    def a_dry_run_gives_one_of_three_verdicts(run: Run) -> None:
        if not run.knows(operation, "DryRun"):
            return
        parameters = good(run)
        run.refused("DryRunOperationError", 400, operation, **parameters, DryRun="true")
        run.refused("ValidationError", 400, operation, **parameters | spoilt, DryRun="true")
        run.refused("AccessDeniedError", 403, operation, who="user", **parameters, DryRun="true")
        match(run.ok(operation, **parameters, DryRun="false"), {"RequestId": str})

    check(operation)(a_dry_run_gives_one_of_three_verdicts)


for _operation in TRIED:
    tries(_operation)
