"""The real servers that rotations.py turns credentials on, and the secrets about them."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.run import CheckFailed, Run
from run import Server

FIRST = "first-One1"

IDS = {"MySQL": ("rm-mysql", "pc-mysql"), "PostgreSQL": ("rm-postgres",), "Redis": ("r-redis",), "SSH": ("i-ssh",)}
"""What secrets call the server of each engine."""


@dataclass(frozen=True)
class Target:
    """A server that runs, and its administrator."""

    engine: str
    port: int
    admin: str
    password: str
    host_key: str

    def told(self) -> dict[str, Any]:
        """What a program needs to log in."""
        return {"engine": self.engine, "port": self.port, "host_key": self.host_key}


@dataclass(frozen=True)
class Pair:
    """Of SSH: the public key as a line of `authorized_keys`, and the private one, PEM."""

    public: str
    private: str


@contextmanager
def serving(program: Path) -> Iterator[dict[str, Target]]:
    """All servers, by engine; they are gone when its input ends, however we end."""
    process = subprocess.Popen([program.resolve()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        lines = [process.stdout.readline().rstrip("\n").split("\t") for _ in IDS]
        if any(len(line) != 5 for line in lines):
            raise SystemExit("conformance: the servers of the tests do not start: see above; xtask/install.sh has them")
        targets = [Target(engine, int(port), *rest) for engine, port, *rest in lines]
        yield {it.engine: it for it in targets}
    finally:
        process.stdin.close()
        process.wait()


def sql(target: Target, text: str) -> None:
    """As the administrator of MariaDB or PostgreSQL, by its own client; an account's name there is for all hosts."""
    where, port = "127.0.0.1", str(target.port)
    if target.engine == "MySQL":
        words = ["mariadb", "--no-defaults", f"--host={where}", f"--port={port}", f"--user={target.admin}"]
        env = {"MYSQL_PWD": target.password, "PATH": "/usr/bin:/bin"}
        words += ["--execute", text]
    else:
        words = ["psql", "-h", where, "-p", port, "-U", target.admin, "-d", "postgres", "-qX", "-c", text]
        env = {"PGPASSWORD": target.password, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckFailed(f"{words[0]}: {done.stderr.strip()}")


def register(server: Server, run: Run, home: Path, target: Target) -> None:
    """Makes the administrator's secret, and lets the server know of its target under each id; it must be reached."""
    names = ("UserName", "Password") if target.engine == "SSH" else ("AccountName", "AccountPassword")
    secret = f"admin/{target.engine}"
    value = json.dumps(dict(zip(names, (target.admin, target.password), strict=True)))
    run.ok("CreateSecret", SecretName=secret, VersionId="v1", SecretData=value)
    (home / "host.pub").write_text(target.host_key)
    how = ["--host-key", str(home / "host.pub")] if target.host_key else ["--tls", "off"]
    at = ["--engine", target.engine, "--host", "127.0.0.1", "--port", str(target.port), "--admin-secret", secret]
    for name in IDS[target.engine]:
        operator(server, "target", "put", name, *at, *how)
        said = operator(server, "target", "check", name)
        if "It works." not in said:
            raise CheckFailed(f"target {name}: {said}")


def operator(server: Server, *words: str) -> str:
    command = [str(server.yaoku), *words, "--data", str(server.data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckFailed(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def make_accounts(targets: dict[str, Target]) -> None:
    """Those that must be there before their secrets, and a database."""
    sql(targets["MySQL"], f"CREATE USER 'app' IDENTIFIED BY '{FIRST}'; CREATE USER 'solo' IDENTIFIED BY '{FIRST}'")
    sql(targets["MySQL"], "CREATE DATABASE orders")
    sql(targets["PostgreSQL"], f"CREATE ROLE app LOGIN PASSWORD '{FIRST}'")


def make_pair(home: Path) -> Pair:
    file = home / "pair"
    command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "", "-C", "", "-f", str(file)]
    subprocess.run(command, check=True)
    return Pair(file.with_suffix(".pub").read_text().strip(), file.read_text())


def managed_secrets(region: str, targets: dict[str, Target], pair_of_other: Pair) -> list[dict[str, Any]]:
    """One of each type. Those with `accounts` have two that take turns."""

    def rds(sub_type: str, at: str, user: str) -> dict[str, Any]:
        accounts = [{"AccountName": user, "AccountPassword": FIRST}]
        config = {"SecretSubType": sub_type, "DBInstanceId": at}
        return {"kind": "Rds", "data": json.dumps({"Accounts": accounts}), "config": config}

    def pair(user: str, **more: str) -> dict[str, Any]:
        names = {"AccountName": user, "CloneAccountName": f"{user}_clone"}
        return {"data": "$Auto", "config": {"SecretSubType": "DoubleUsers", "RegionId": region, **names, **more}}

    def host(sub_type: str, **data: str) -> dict[str, Any]:
        config = {"SecretSubType": sub_type, "InstanceId": "i-ssh", "RegionId": region, "CommandId": ""}
        return {"kind": "ECS", "engine": "SSH", "data": json.dumps(data), "config": config}

    keys = {"PublicKey": pair_of_other.public, "PrivateKey": pair_of_other.private}
    polardb = {"DBClusterId": "pc-mysql", "DBType": "MySQL", "DBName": "orders", "AccountPrivilege": "ReadWrite"}
    redis = {"InstanceId": "r-redis", "AccountPrivilege": "RoleReadWrite"}
    secrets: list[dict[str, Any]] = [
        {"name": "conf/rds-mysql", "engine": "MySQL", **rds("DoubleUsers", "rm-mysql", "app")},
        {"name": "conf/rds-postgres", "engine": "PostgreSQL", **rds("DoubleUsers", "rm-postgres", "app")},
        {"name": "conf/polardb", "kind": "PolarDB", "engine": "MySQL", **pair("polar", **polardb)},
        {"name": "conf/redis", "kind": "Redis", "engine": "Redis", **pair("cache", **redis)},
    ]
    for it, user in zip(secrets, ("app", "app", "polar", "cache"), strict=True):
        it["accounts"] = (user, f"{user}_clone")
    return [
        *secrets,
        {"name": "conf/rds-single", "engine": "MySQL", **rds("SingleUser", "rm-mysql", "solo")},
        {"name": "acs/ecs/password", **host("Password", UserName="app", Password=targets["SSH"].password)},
        {"name": "acs/ecs/pair", **host("SSHKey", UserName="other", **keys)},
    ]
