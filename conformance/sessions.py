#!/usr/bin/env python3
"""Sessions of roles: the official clients of STS, and the library that every client takes its credentials from.

A `yaoku dev` of its own, for that library hides its request ids. Exits 1 if anything is not as it should be. See README.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from checks.run import load_dev
from clients import HERE, HOME, environment
from run import Server

PYTHON = [str(HOME / "sts" / "bin" / "python"), str(HERE / "python" / "sts.py")]
NODE = ["node", str(HERE / "node" / "sts.js")]
ISSUER = "https://issuer.example"
SUBJECT = "system:serviceaccount:orders:app"


def yaoku(server: Server, *words: str) -> dict[str, Any]:
    """The program as its own client."""
    command = [str(server.yaoku), *words, "--access-key", str(server.dev_json)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def make_role(server: Server, name: str, principal: dict[str, Any], condition: dict[str, Any]) -> str:
    """A role that may use keys, and is trusted to whom the statement says."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": condition}
    trust = json.dumps({"Version": "1", "Statement": [statement]})
    made = yaoku(server, "ram", "CreateRole", "--RoleName", name, "--AssumeRolePolicyDocument", trust)
    attach(server, "Role", name, "AliyunKMSCryptoUserAccess")
    arn: str = made["Role"]["Arn"]
    return arn


def attach(server: Server, kind: str, name: str, policy: str) -> None:
    of_the_system = ("--PolicyType", "System", "--PolicyName", policy)
    yaoku(server, "ram", f"AttachPolicyTo{kind}", f"--{kind}Name", name, *of_the_system)


def prepare(server: Server, home: Path) -> dict[str, str]:
    """Two roles, a user who may take one of them on, and a provider whose tokens may take on the other."""
    dev = load_dev(server.dev_json)
    account = dev["account_id"]
    provider = f"acs:ram::{account}:oidc-provider/cluster"
    subprocess.run([*PYTHON, "keys", str(home)], check=True)
    put = ["put", "cluster", "--issuer", ISSUER, "--client-id", "yaoku", "--keys", str(home / "keys.json")]
    subprocess.run([str(server.yaoku), "oidc-provider", *put, "--data", str(server.data)], check=True, stdout=subprocess.DEVNULL)
    attach(server, "User", dev["user_name"], "AliyunSTSAssumeRoleAccess")
    third = {"StringEquals": {"sts:ExternalId": "customer:42"}}
    own = make_role(server, "program", {"RAM": [f"acs:ram::{account}:root"]}, third)
    # Whom `yaoku credentials serve` serves has no external id.
    served = make_role(server, "served", {"RAM": [f"acs:ram::{account}:user/app"]}, {"Bool": {"acs:MFAPresent": "false"}})
    vouched = {"StringEquals": {"oidc:sub": SUBJECT, "oidc:aud": "yaoku", "oidc:iss": ISSUER}}
    return {
        "account": account,
        "bad_token": str(home / "bad-token"),
        "ca": dev["ca"],
        "endpoint": dev["endpoint"],
        "federated_role": make_role(server, "pod", {"Federated": [provider]}, vouched),
        "http_endpoint": dev["http_endpoint"],
        "key": dev["key_id"],
        "provider": provider,
        "region": dev["region"],
        "role": own,
        "root_id": dev["access_key_id"],
        "root_secret": dev["access_key_secret"],
        "served_role": served,
        "token": str(home / "token"),
        "user_id": dev["user_access_key_id"],
        "user_secret": dev["user_access_key_secret"],
    }


def serve_credentials(server: Server, setting: dict[str, str], home: Path) -> tuple[subprocess.Popen[str], str]:
    """`yaoku credentials serve`, and the address that it says."""
    key = {"access_key_id": setting["user_id"], "access_key_secret": setting["user_secret"]}
    key |= {"endpoint": setting["endpoint"], "ca": setting["ca"]}
    (home / "user.json").write_text(json.dumps(key))
    command = [str(server.yaoku), "credentials", "serve", "--role-arn", setting["served_role"]]
    command += ["--access-key", str(home / "user.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, process.stdout.readline().strip().partition("=")[2]


def play(server: Server, setting: Path, home: Path) -> list[dict[str, str]]:
    rows = []
    env = environment(server.dev_json, home / "trust.p12")
    for scheme in ("https", "http"):
        for client in ([*PYTHON, "run"], NODE):
            with (home / "sessions.log").open("ab") as log:
                command = [*client, str(setting), scheme]
                done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, env=env, text=True, check=False)
            found = [json.loads(line) | {"scheme": scheme} for line in done.stdout.splitlines()]
            if done.returncode != 0:
                found.append({"client": client[-1], "operation": "(end)", "scheme": scheme, "why": f"exit {done.returncode}"})
            rows += found
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description="Sessions of roles by the official clients.")
    parser.add_argument("--yaoku", type=Path, default=HERE.parent / "target" / "debug" / "yaoku", help="the program")
    program = parser.parse_args().yaoku.resolve()
    with tempfile.TemporaryDirectory(prefix="yaoku-sessions-") as directory:
        home = Path(directory)
        server = Server(program, home, None)
        setting = prepare(server, home)
        serving, setting["uri"] = serve_credentials(server, setting, home)
        try:
            (home / "setting.json").write_text(json.dumps(setting))
            os.chmod(home / "setting.json", 0o600)
            rows = play(server, home / "setting.json", home)
        finally:
            serving.kill()
            serving.wait()
        wrong = [f"{it['client']} {it['operation']} ({it['scheme']}): {it['why']}" for it in rows if it["why"]]
        stopped = server.stop()
        verified = server.audit("verify")
        wrong += [stopped] if stopped else []
        wrong += [] if verified.returncode == 0 else [f"audit verify: {verified.stderr or verified.stdout}"]
        if wrong:
            (HOME / "sessions.log").write_bytes((home / "sessions.log").read_bytes())
            print(f"the log is {HOME / 'sessions.log'}")
    for each in wrong:
        print(f"FAILED {each}")
    print(f"conformance: {max(len(rows) - len(wrong), 0)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
