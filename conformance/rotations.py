#!/usr/bin/env python3
"""Credentials turn on real servers while programs log in with what the official clients give them.

A `yaoku dev`, built with the feature test-clock, and the servers of the tests: MariaDB, PostgreSQL, Redis and sshd.
Exits 1 if any login or call failed that should not, or anything else is not as it should be. See README.md.
"""

import argparse
import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checks.run import CheckFailed, Ledger, Run, load_dev, match, require
from clients import HERE, HOME, Driver, DriverDied, environment
from months import advance
from run import Server, add_store, keep_logs, place_for, row, scheme_row, write_rows
from sessions import attach, yaoku
from targets import Pair, Target, make_accounts, make_pair, managed_secrets, register, serving, sql

CLIENT = "alibabacloud-kms20160120-3.3.1"
HOOK_CLIENTS = [CLIENT, "aliyun-python-sdk-kms"]
PROVIDER = "aliyun-sdk-common-managed-credentials-provider"
ROTATIONS = 50
WITHIN_SECONDS = 60


class Program:
    """One of ours, which says what it sees, a line of JSON each time; `failed` is what must not be."""

    def __init__(self, world: "World", venv: str, script: str, *words: str) -> None:
        self.failed: list[str] = []
        self._script = script
        self._log = world.home / f"{script}.log"
        command = [str(HOME / venv / "bin" / "python"), str(HERE / "python" / script), *words]
        env = environment(world.server.dev_json, world.home) | {"HOME": str(world.home)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env, text=True, bufsize=1
            )

    def tell(self, line: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line) + "\n")

    def next(self, member: str) -> dict[str, Any]:
        """The next line that has this member."""
        assert self._process.stdout
        while True:
            ready, _, _ = select.select([self._process.stdout], [], [], WITHIN_SECONDS)
            text = self._process.stdout.readline() if ready else ""
            if not text:
                last = self._log.read_text().strip().splitlines()[-1:]
                raise CheckFailed(f"{self._script} says nothing: {last}; {self.failed[:3]}")
            line: dict[str, Any] = json.loads(text)
            if member in line:
                return line
            self.failed.append(line["failed"])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Ends it, and fails if anything that it did had failed."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        lines = [json.loads(line) for line in self._process.stdout]
        self._process.wait(WITHIN_SECONDS)
        self.failed += [line["failed"] for line in lines if "failed" in line]
        require(not self.failed, f"{len(self.failed)} failed, as {self.failed[:3]}")


@dataclass
class World:
    """What all scenarios have."""

    server: Server
    home: Path
    targets: dict[str, Target]
    run: Run
    pair: Pair
    programs: list[Program] = field(default_factory=list)
    _trying: Program | None = None

    def program(self, *words: str) -> Program:
        self.programs.append(Program(self, *words))
        return self.programs[-1]

    def secrets(self) -> list[dict[str, Any]]:
        return managed_secrets(self.run.dev["region"], self.targets, self.pair)

    def why_not(self, engine: str, credential: dict[str, str], **more: str) -> str | None:
        """Why a server does not let somebody in; None if it does."""
        self._trying = self._trying or self.program("rotations", "attempts.py")
        self._trying.tell({"server": self.targets[engine].told() | more, "credential": credential})
        why: str | None = self._trying.next("why")["why"]
        return why

    def value(self, name: str, stage: str = "ACSCurrent") -> tuple[str, dict[str, str]]:
        """The version that a label marks, and its credential."""
        found = self.run.ok("GetSecretValue", SecretName=name, VersionStage=stage)
        return found["VersionId"], json.loads(found["SecretData"])

    def create(self, it: dict[str, Any]) -> None:
        """Makes a managed secret, and waits until its accounts are there."""
        about = {"SecretType": it["kind"], "SecretData": it["data"], "ExtendedConfig": json.dumps(it["config"])}
        self.run.ok("CreateSecret", SecretName=it["name"], VersionId="v0", **about)
        if it["data"] == "$Auto":
            wait(lambda: self.why_not(it["engine"], self.value(it["name"])[1]) is None, "its accounts are not made")

    def rotate(self, name: str, version: str) -> None:
        wait(lambda: self.takes_up(name, version), f"{name} is being rotated for ever")
        wait(lambda: self.value(name)[0] == version, f"{name} does not rotate to {version}")

    def must_be_dead(self, it: dict[str, Any], old: dict[str, str]) -> None:
        def is_dead() -> bool:
            return self.why_not(it["engine"], old) is not None

        if "PrivateKey" in old:
            wait(is_dead, f"{it['name']}: the old key works on")
        require(is_dead(), f"{it['name']}: the old credential works")

    def takes_up(self, name: str, version: str) -> bool:
        """Whether a rotation begins; not while the one before is not over."""
        try:
            match(self.run.ok("RotateSecret", SecretName=name, VersionId=version), {"VersionId": version})
        except CheckFailed as failed:
            if "Rejected.ResourceInUse" in str(failed):
                return False
            raise
        return True


def two_accounts_take_turns(world: World) -> None:
    """Four rotations that are asked for, then fifty by the calendar; a program logs in all the time."""
    secrets = [it for it in world.secrets() if "accounts" in it]
    programs = []
    for it in secrets:
        world.create(it)
        told = json.dumps(world.targets[it["engine"]].told())
        programs.append(world.program("rotations", "logins.py", str(world.server.dev_json), it["name"], told))
    for number in range(4):
        for it, program in zip(secrets, programs, strict=True):
            if number == 0:
                program.next("version")
            take_turn(world, it, number)
            require(program.next("version")["version"] == f"v{number + 1}", "the program sees another version")
    for it in secrets:
        every = {"EnableAutomaticRotation": "true", "RotationInterval": "6h"}
        world.run.ok("UpdateSecretRotationPolicy", SecretName=it["name"], **every)
    for _ in range(ROTATIONS):
        advance(world.server, "6h")
        said = [program.next("version") for program in programs]
    for it, program, last in zip(secrets, programs, said, strict=True):
        program.end()
        found = world.run.ok("DescribeSecret", SecretName=it["name"])
        match(found, {"AutomaticRotation": "Enabled", "RotationInterval": "21600s"})
        world.run.ok("UpdateSecretRotationPolicy", SecretName=it["name"], EnableAutomaticRotation="false")
        print(f"{it['kind']} on {it['engine']}: {last['logins']} logins in {ROTATIONS + 4} rotations, none failed")


def take_turn(world: World, it: dict[str, Any], number: int) -> None:
    """It is the other account's turn; the one before goes on to work, by the same password."""
    before = world.value(it["name"])[1]
    world.rotate(it["name"], f"v{number + 1}")
    now, previous = world.value(it["name"])[1], world.value(it["name"], "ACSPrevious")[1]
    match(now, {"AccountName": it["accounts"][(number + 1) % 2]})
    require(previous == before, "what was current is not what is previous")
    for credential in (now, previous):
        why = world.why_not(it["engine"], credential)
        require(why is None, f"{credential['AccountName']} is refused: {why}")


def one_account_has_one_credential(world: World) -> None:
    """Four rotations: the old credential is dead, a key pair a little later, and the new one works."""
    other = {"UserName": "other", "Password": world.targets["SSH"].password}
    put = f"umask 077; mkdir -p ~/.ssh; echo '{world.pair.public}' >~/.ssh/authorized_keys"
    require(world.why_not("SSH", other, then=put) is None, "a user of the SSH server is refused")
    for it in world.secrets():
        if "accounts" in it:
            continue
        world.create(it)
        for number in range(4):
            old = world.value(it["name"])[1]
            world.rotate(it["name"], f"v{number + 1}")
            new = world.value(it["name"])[1]
            why = world.why_not(it["engine"], new)
            require(why is None, f"{it['name']}: the new credential is refused: {why}")
            world.must_be_dead(it, old)


def an_access_key_turns_under_a_program(world: World) -> None:
    """The managed credentials provider follows three rotations, one by the calendar; its client's calls never fail."""
    server, run = world.server, world.run
    yaoku(server, "ram", "CreateUser", "--UserName", "ci")
    attach(server, "User", "ci", "AliyunKMSCryptoUserAccess")
    trusting = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["kms.aliyuncs.com"]}}
    trust = json.dumps({"Version": "1", "Statement": [trusting]})
    role = ("--RoleName", "AliyunKMSManagedRAMCrendentialsRole", "--AssumeRolePolicyDocument", trust)
    yaoku(server, "ram", "CreateRole", *role)
    key = yaoku(server, "ram", "CreateAccessKey", "--UserName", "ci")["AccessKey"]
    keys = [{name: key[name] for name in ("AccessKeyId", "AccessKeySecret")}]
    about = {"SecretType": "RAMCredentials", "SecretData": json.dumps({"AccessKeys": keys})}
    config = json.dumps({"SecretSubType": "RamUserAccessKey", "UserName": "ci"})
    name = run.ok("CreateSecret", SecretName="$Auto", VersionId="v0", ExtendedConfig=config, **about)["SecretName"]
    run.ok("UpdateSecretRotationPolicy", SecretName=name, EnableAutomaticRotation="true", RotationInterval="7d")
    program = world.program("managed", "managed.py", str(server.dev_json), name)
    require(program.next("key")["key"] == key["AccessKeyId"], "the program has another key")
    call = {"KeyId": run.dev["key_id"], "Plaintext": "hello"}
    for version in ("v1", "v2", None):
        before, held = world.value(name)
        if version:
            world.rotate(name, version)
        else:
            advance(server, "7d")
            wait(lambda: world.value(name)[0] != before, "it does not rotate by the calendar")
        old, new = caller(held), caller(world.value(name)[1])
        for who in (old, new):
            run.ok("Encrypt", who=who, **call)
        advance(server, "2d")
        require(program.next("key")["key"] == new["id"], "the program has another key")
        run.refused("InvalidAccessKeyId.NotFound", 404, "Encrypt", who=old, **call)
        run.refused("Forbidden.ResourceNotFound", 404, "GetSecretValue", SecretName=name, VersionStage="ACSPrevious")
    program.end()


def caller(credential: dict[str, str]) -> dict[str, str]:
    return {"id": credential["AccessKeyId"], "secret": credential["AccessKeySecret"], "token": ""}


def a_function_turns_a_generic_secret(world: World) -> None:
    """The vendor's pattern for functions: `new`, `set` and `end`, each by itself and each twice."""
    for number, client in enumerate(HOOK_CLIENTS):
        with driven(world.server, world.home, client) as run:
            name, user = f"conf/hook-{number}", f"hook{number}"
            sql(world.targets["MySQL"], f"CREATE USER '{user}' IDENTIFIED BY 'first-One1'")
            value = json.dumps({"AccountName": user, "AccountPassword": "first-One1"})
            run.ok("CreateSecret", SecretName=name, VersionId="v0", SecretData=value)
            for version, turn in (("v1", f"{user}_rt"), ("v2", user)):
                run.refused("Forbidden.ResourceNotFound", 404, "GetSecretValue", **pending(name, version))
                for step in (new, set_, end):
                    for _ in range(2):
                        step(world, run, name, version)
                match(world.value(name)[1], {"AccountName": turn})
                require(world.why_not("MySQL", world.value(name)[1]) is None, f"{turn} is refused")
                require(world.why_not("MySQL", world.value(name, "ACSPrevious")[1]) is None, "the previous is dead")


def pending(name: str, version: str) -> dict[str, str]:
    return {"SecretName": name, "VersionId": version, "VersionStage": "ACSPending"}


def new(_: World, run: Run, name: str, version: str) -> None:
    """Keeps a value for the other account, unless that was done."""
    listed = run.ok("ListSecretVersionIds", SecretName=name)
    made = [it["VersionId"] for it in run.list(listed, "VersionIds", "VersionId")]
    if version in made:
        value = run.ok("GetSecretValue", **pending(name, version))["SecretData"]
    else:
        user = json.loads(run.ok("GetSecretValue", SecretName=name)["SecretData"])["AccountName"]
        other = user.removesuffix("_rt") if user.endswith("_rt") else f"{user}_rt"
        password = run.ok("GetRandomPassword", PasswordLength="32", ExcludePunctuation="true")["RandomPassword"]
        value = json.dumps({"AccountName": other, "AccountPassword": password})
    stages = {"VersionStages": '["ACSPending"]'}
    run.ok("PutSecretValue", SecretName=name, VersionId=version, SecretData=value, **stages)


def set_(world: World, run: Run, name: str, version: str) -> None:
    """Gives it to the server, and tries it there."""
    value = json.loads(run.ok("GetSecretValue", **pending(name, version))["SecretData"])
    user, password = value["AccountName"], value["AccountPassword"]
    sql(world.targets["MySQL"], f"CREATE OR REPLACE USER '{user}' IDENTIFIED BY '{password}'")
    require(world.why_not("MySQL", value) is None, "the server refuses the pending value")


def end(_: World, run: Run, name: str, version: str) -> None:
    """Makes it the current one."""
    current = run.ok("GetSecretValue", SecretName=name)["VersionId"]
    from_ = {} if current == version else {"RemoveFromVersion": current}
    moved = {"SecretName": name, "MoveToVersion": version}
    run.ok("UpdateSecretVersionStage", VersionStage="ACSCurrent", **moved, **from_)
    if current != version:
        run.ok("UpdateSecretVersionStage", SecretName=name, VersionStage="ACSPending", RemoveFromVersion=version)


SCENARIOS = [
    a_function_turns_a_generic_secret,
    one_account_has_one_credential,
    an_access_key_turns_under_a_program,
    two_accounts_take_turns,
]


def wait(condition: Callable[[], bool], why: str) -> None:
    until = time.monotonic() + WITHIN_SECONDS
    while not condition():
        require(time.monotonic() < until, why)
        time.sleep(0.05)


@contextmanager
def driven(server: Server, home: Path, client: str) -> Iterator[Run]:
    """Calls through a client."""
    driver = Driver(client, server.dev_json, "http", environment(server.dev_json, home), home / f"{client}.log")
    try:
        yield Run(driver, driver, load_dev(server.dev_json), Ledger())
    finally:
        driver.close()


def play(server: Server, home: Path, targets: dict[str, Target]) -> dict[str, str]:
    """Each scenario, and why it failed, if it did."""
    whys: dict[str, str] = {}
    with driven(server, home, CLIENT) as run:
        world = World(server, home, targets, run, make_pair(home))
        make_accounts(targets)
        for target in targets.values():
            register(server, run, home, target)
        for scenario in SCENARIOS:
            start, why = time.monotonic(), ""
            try:
                scenario(world)
            except (CheckFailed, DriverDied, KeyError, TypeError, subprocess.SubprocessError) as failed:
                why = f"{type(failed).__name__}: {failed}"
            whys[scenario.__name__] = why
            print(f"{scenario.__name__.replace('_', ' ')}: {time.monotonic() - start:.0f} s {why}")
    for program in world.programs:
        program.kill()
    return whys


def main() -> int:
    parser = argparse.ArgumentParser(description="Credentials turn on real servers while programs log in.")
    built = HERE.parent / "target" / "debug"
    parser.add_argument("--yaoku", type=Path, default=built / "yaoku", help="the program, with the feature test-clock")
    parser.add_argument("--servers", type=Path, default=built / "examples" / "servers", help="what starts the servers")
    add_store(parser)
    options = parser.parse_args()
    with place_for(options.store) as (home, store, url), serving(options.servers) as targets:
        server = Server(options.yaoku.resolve(), home, url)
        whys = play(server, home, targets)
        stopped, verified = server.stop(), server.audit("verify")
        if any(whys.values()):
            keep_logs(home, store)
    ends = [stopped, "" if verified.returncode == 0 else f"audit verify: {verified.stderr or verified.stdout}"]
    wrong = [f"{name}: {why}" for name, why in whys.items() if why] + [why for why in ends if why]
    follows = row(PROVIDER, "GetSecretValue", whys["an_access_key_turns_under_a_program"])
    write_rows([scheme_row(follows, store, "https")], f"results-{store}-rotations")
    for each in wrong:
        print(f"FAILED {store} {each}")
    print(f"conformance: {sum(not why for why in whys.values())} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
