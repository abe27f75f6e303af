#!/usr/bin/env python3
"""Months pass while official clients go on: `yaoku dev`, built with the feature test-clock, is moved on by a year.

Signatures go by another clock, which stays. Exits 1 if anything is not as it should be. See README.md.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from checks.asymmetric import DIGEST
from checks.pairs import make
from checks.run import CheckFailed, Ledger, Run, load_dev
from clients import HERE, Driver, environment
from run import Server, add_store, check_audit, place_for

CLIENTS = ["alibabacloud-kms20160120-2.4.0", "alibabacloud-kms20160120-3.3.1", "aliyun-python-sdk-kms", "npm-pop-core"]
ROTATES_WITHIN_SECONDS = 30


def advance(server: Server, by: str) -> None:
    command = [str(server.yaoku), "dev", "clock", "advance", by, "--data", str(server.data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def live(run: Run, server: Server) -> None:
    """A year in the life of a key and of a secret; the client is the same process all along."""
    rotating = {"EnableAutomaticRotation": "true", "RotationInterval": "365d"}
    key = run.ok("CreateKey", DKMSInstanceId=run.dev["instance_id"], **rotating)["KeyMetadata"]["KeyId"]
    old = run.ok("Encrypt", KeyId=key, Plaintext="hello")
    pair = make(run, "EC_P256", "SIGN/VERIFY")
    signed = {"Algorithm": "ECDSA_SHA_256", "Digest": DIGEST}
    signatures = [(pair.version, run.ok("AsymmetricSign", **pair.named(), **signed)["Value"])]
    secret = {"SecretName": run.name("conf/months")}
    run.ok("CreateSecret", **secret, SecretData="one", VersionId="v1")
    advance(server, "364d")
    expect(run.ok("Encrypt", KeyId=key, Plaintext="hello")["KeyVersionId"] == old["KeyVersionId"], "it rotated early")
    advance(server, "1d")
    wait_until_rotated(run, key)
    new = run.ok("Encrypt", KeyId=key, Plaintext="hello")
    expect(new["KeyVersionId"] != old["KeyVersionId"], "a rotated key encrypts under its first version")
    for sealed in (old, new):
        opened = run.ok("Decrypt", CiphertextBlob=sealed["CiphertextBlob"])
        expect(opened["Plaintext"] == "hello", f"decrypted to {opened['Plaintext']!r}")
        expect(opened["KeyVersionId"] == sealed["KeyVersionId"], "decrypted by another version")
    expect(run.ok("GetSecretValue", **secret)["SecretData"] == "one", "the secret is another after a year")

    # A pair takes a version after seven days; a signature is verified by the version that made it.
    version = run.ok("CreateKeyVersion", KeyId=pair.key)["KeyVersion"]["KeyVersionId"]
    run.refused("Rejected.UnsupportedOperation", 400, "CreateKeyVersion", KeyId=pair.key)
    named = {"KeyId": pair.key, "KeyVersionId": version}
    signatures.append((version, run.ok("AsymmetricSign", **named, **signed)["Value"]))
    for of, value in signatures:
        for by, _ in signatures:
            found = run.ok("AsymmetricVerify", KeyId=pair.key, KeyVersionId=by, **signed, Value=value)["Value"]
            expect(found == (of == by), f"a signature of version {of} is {found} by {by}")

    # Windows end: after six days there is a way back, after seven there is none.
    run.ok("DeleteSecret", **secret, RecoveryWindowInDays="7")
    run.ok("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays="7")
    advance(server, "6d")
    run.ok("RestoreSecret", **secret)
    run.ok("CancelKeyDeletion", KeyId=key)
    run.ok("EnableKey", KeyId=key)
    run.ok("DeleteSecret", **secret, RecoveryWindowInDays="7")
    run.ok("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays="7")
    advance(server, "7d")
    run.refused("Forbidden.ResourceNotFound", 404, "RestoreSecret", **secret)
    run.refused("Forbidden.KeyNotFound", 404, "Decrypt", CiphertextBlob=new["CiphertextBlob"])


def wait_until_rotated(run: Run, key: str) -> None:
    end = time.monotonic() + ROTATES_WITHIN_SECONDS
    while run.ok("ListKeyVersions", KeyId=key)["TotalCount"] != 2:
        expect(time.monotonic() < end, "the key does not rotate when its time has come")
        time.sleep(0.2)


def expect(condition: bool, why: str) -> None:
    if not condition:
        raise CheckFailed(why)


def main() -> int:
    parser = argparse.ArgumentParser(description="Months pass while official clients go on.")
    usual = HERE.parent / "target" / "debug" / "yaoku"
    parser.add_argument("--yaoku", type=Path, default=usual, help="the program, built with the feature test-clock")
    add_store(parser)
    options = parser.parse_args()
    wrong, ledger = [], Ledger()
    with place_for(options.store) as (home, _, url):
        server = Server(options.yaoku.resolve(), home, url)
        for name in CLIENTS:
            driver = Driver(name, server.dev_json, "http", environment(server.dev_json, home), home / f"{name}.log")
            try:
                live(Run(driver, driver, load_dev(server.dev_json), ledger), server)
            except (CheckFailed, KeyError, TypeError) as failed:
                wrong.append(f"{name}: {type(failed).__name__}: {failed}")
            finally:
                driver.close()
        stopped = server.stop()
        # The engine's and the operator's events have no answer that a client saw.
        faults = [it for it in check_audit(server, ledger) if not it.startswith("an event that no client caused")]
        wrong += ([stopped] if stopped else []) + faults
    for each in wrong:
        print(f"FAILED {each}")
    print(f"conformance: {max(len(CLIENTS) - len(wrong), 0)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
