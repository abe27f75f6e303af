#!/usr/bin/env python3
"""The library that every official client can take its credentials from: alibabacloud-credentials, by each provider.

A `yaoku dev` of its own, for that library hides its request ids. Exits 1 if anything is not as it should be.
See README.md.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from checks.run import load_dev
from checks.tokens import AUDIENCE, IdentityProvider, trust, vouched
from clients import HERE, HOME, environment
from run import Server, add_store, place_for, row, scheme_row, write_rows

PLAYER = [str(HOME / "sts" / "bin" / "python"), str(HERE / "python" / "credentials.py")]


def yaoku(server: Server, *words: str) -> dict[str, Any]:
    """The program as its own client."""
    command = [str(server.yaoku), *words, "--access-key", str(server.dev_json)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def make_role(server: Server, name: str, principal: dict[str, Any], condition: dict[str, Any]) -> str:
    """A role that may use keys."""
    document = trust(principal, condition)
    made = yaoku(server, "ram", "CreateRole", "--RoleName", name, "--AssumeRolePolicyDocument", document)
    attach(server, "Role", name, "AliyunKMSCryptoUserAccess")
    arn: str = made["Role"]["Arn"]
    return arn


def attach(server: Server, kind: str, name: str, policy: str) -> None:
    of_the_system = ("--PolicyType", "System", "--PolicyName", policy)
    yaoku(server, "ram", f"AttachPolicyTo{kind}", f"--{kind}Name", name, *of_the_system)


def make_provider(server: Server, home: Path) -> IdentityProvider:
    """An identity provider that the server knows, and tokens as files: one that it signed, and one that it has not."""
    provider = IdentityProvider("https://issuer.example")
    for name, text in (
        ("keys.json", provider.keys()),
        ("token", provider.token()),
        ("forged-token", provider.forged()),
    ):
        (home / name).write_text(text)
    put = ["put", "cluster", "--issuer", provider.issuer, "--client-id", AUDIENCE, "--keys", str(home / "keys.json")]
    command = [str(server.yaoku), "oidc-provider", *put, "--data", str(server.data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return provider


def prepare(server: Server, home: Path) -> dict[str, str]:
    """Roles: one asks a user for an external id, `yaoku credentials serve` has one, tokens of a provider have one."""
    dev = load_dev(server.dev_json)
    account = dev["account_id"]
    attach(server, "User", dev["user_name"], "AliyunSTSAssumeRoleAccess")
    third = {"StringEquals": {"sts:ExternalId": "customer:42"}}
    user = {"RAM": [f"acs:ram::{account}:user/{dev['user_name']}"]}
    federated = f"acs:ram::{account}:oidc-provider/cluster"
    asked = vouched(make_provider(server, home).issuer)
    return {
        "ca": dev["ca"],
        "endpoint": dev["endpoint"],
        "federated_role": make_role(server, "pod", {"Federated": [federated]}, asked),
        "forged_token": str(home / "forged-token"),
        "http_endpoint": dev["http_endpoint"],
        "key": dev["key_id"],
        "provider": federated,
        "region": dev["region"],
        "role": make_role(server, "program", {"RAM": [f"acs:ram::{account}:root"]}, third),
        "served_role": make_role(server, "served", user, {"Bool": {"acs:MFAPresent": "false"}}),
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


def play(server: Server, home: Path, store: str) -> list[dict[str, Any]]:
    """A row for each provider and operation, over each scheme."""
    rows = []
    env = environment(server.dev_json, home / "trust.p12")
    for scheme in ("https", "http"):
        with (home / "sessions.log").open("ab") as log:
            command = [*PLAYER, str(home / "setting.json"), scheme]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, env=env, text=True, check=False)
        found = [row(**json.loads(line)) for line in done.stdout.splitlines()]
        if done.returncode != 0:
            found.append(row("alibabacloud-credentials", "(end)", f"exit {done.returncode}"))
        rows += [scheme_row(each, store, scheme) for each in found]
    return rows


def run(program: Path, home: Path, store: str, url: str | None) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows, and what is wrong."""
    server = Server(program, home, url)
    setting = prepare(server, home)
    serving, setting["uri"] = serve_credentials(server, setting, home)
    try:
        (home / "setting.json").write_text(json.dumps(setting))
        rows = play(server, home, store)
    finally:
        serving.kill()
        serving.wait()
    stopped, verified = server.stop(), server.audit("verify")
    wrong = [f"{it['client']} {it['operation']} ({it['scheme']}): {it['why']}" for it in rows if it["why"]]
    wrong += [stopped] if stopped else []
    wrong += [] if verified.returncode == 0 else [f"audit verify: {verified.stderr or verified.stdout}"]
    if wrong:
        (HOME / f"sessions-{store}.log").write_bytes((home / "sessions.log").read_bytes())
        print(f"the log is {HOME}/sessions-{store}.log")
    return rows, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Credentials by alibabacloud-credentials.")
    parser.add_argument("--yaoku", type=Path, default=HERE.parent / "target" / "debug" / "yaoku", help="the program")
    add_store(parser)
    options = parser.parse_args()
    with place_for(options.store) as (home, store, url):
        rows, wrong = run(options.yaoku.resolve(), home, store, url)
    write_rows(rows, f"results-{store}-sessions")
    for each in wrong:
        print(f"FAILED {store} {each}")
    passed = sum(not it["why"] for it in rows)
    print(f"conformance: {passed} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
