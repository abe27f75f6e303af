#!/usr/bin/env python3
"""Runs the official clients against a live `yaoku dev`. See README.md.

Exits 1 if anything fails that gaps.toml does not list, if a listed gap passes, or if audit does not hold every answer.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import checks.asymmetric
import checks.crypto
import checks.data_keys
import checks.dry_run
import checks.imports
import checks.keys
import checks.life
import checks.mac
import checks.ram_account
import checks.ram_logins
import checks.ram_policies
import checks.ram_users
import checks.secrets
import checks.service
import checks.sts
import checks.tags  # noqa: F401
from checks.readers import READERS
from checks.run import CHECKS, UNKNOWN_CALLER, CheckFailed, Ledger, Run, load_dev, sentence
from clients import CLIENTS, HERE, HOME, WITNESSES, Answer, Driver, DriverDied, environment, make_trust_store

LIFECYCLES = {
    "lifecycle-2.4.0": ("kms-2.4.0", "lifecycle.py"),
    "lifecycle-3.3.1": ("kms-3.3.1", "lifecycle.py"),
}
INTEROP = "interop"
IN_PARALLEL = 2
SERVES_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 30


class Server:
    """One `yaoku dev` in a directory of its own."""

    def __init__(self, yaoku: Path, home: Path, store: str | None) -> None:
        self.yaoku = yaoku
        self.home = home
        self.data = home / "data"
        self.store = store
        self.dev_json = self.data / "dev.json"
        command = [str(yaoku), "dev", "--data", str(self.data), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        self.log = home / "yaoku.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([*command, *(["--store", store] if store else [])], stdout=log, stderr=log)
        self._wait_until_it_serves()

    def _wait_until_it_serves(self) -> None:
        end = time.monotonic() + SERVES_WITHIN_SECONDS
        while not self.dev_json.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                sys.exit(f"conformance: yaoku dev does not serve:\n{self.log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> str:
        """Stops it as an operator would; what was wrong about that, or nothing."""
        self._process.terminate()
        try:
            code = self._process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return f"yaoku dev did not stop in {STOPS_WITHIN_SECONDS} s after SIGTERM"
        return "" if code == 0 else f"yaoku dev ended with {code} after SIGTERM"

    def audit(self, *verb: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.yaoku), "audit", *verb, "--data", str(self.data)]
        store = {"YAOKU_STORE": self.store} if self.store else {}
        return subprocess.run(command, env={**os.environ, **store}, capture_output=True, text=True, check=False)


def run_client(name: str, server: Server, scheme: str, ledger: Ledger) -> list[dict[str, str]]:
    """One client through all its checks: a row for each of its operations."""
    if name in LIFECYCLES:
        return run_lifecycle(name, server, scheme, ledger)
    if name == INTEROP:
        return run_interop(server, scheme, ledger)
    env = environment(server.dev_json, server.home / "trust.p12")
    log = server.home / f"{name}-{scheme}.log"
    drivers: list[Driver] = []
    try:
        product = CLIENTS[name].product
        for each in (name, WITNESSES[product]):
            drivers.append(Driver(each, server.dev_json, scheme, env, log))
        run = Run(drivers[0], drivers[1], load_dev(server.dev_json), ledger)
        failures = run_checks(run, product)
        run.tidy_up()
    except DriverDied as died:
        return [row(name, "(start)", str(died))]
    finally:
        for driver in drivers:
            driver.close()
    # Several products have operations of one name.
    before = "" if product == "kms" else f"{product}:"
    return [row(name, before + operation, "; ".join(whys)) for operation, whys in failures.items()]


def run_checks(run: Run, product: str) -> dict[str, list[str]]:
    """What failed, by operation; every operation of the client is there."""
    checks = [("GetSecretValue", each) for each in READERS] if run.driver.reader else CHECKS[product]
    failures: dict[str, list[str]] = {operation: [] for operation in run.driver.operations}
    checked = set()
    for operation, check in checks:
        if operation not in failures:
            continue
        checked.add(operation)
        try:
            check(run)
        except (CheckFailed, KeyError, IndexError, TypeError, ValueError, subprocess.SubprocessError) as failed:
            kind = "" if isinstance(failed, CheckFailed) else f"{type(failed).__name__}: "
            failures[operation].append(f"{sentence(check)}: {kind}{failed}")
    for operation in failures.keys() - checked:
        failures[operation].append("nothing checks this operation")
    return failures


def run_lifecycle(name: str, server: Server, scheme: str, ledger: Ledger) -> list[dict[str, str]]:
    """The life of a secret: each operation that answered is a row, the last one carries the failure."""
    venv, script = LIFECYCLES[name]
    command = [str(HOME / venv / "bin" / "python"), str(HERE / script), str(server.dev_json), scheme]
    env = environment(server.dev_json, server.home / "trust.p12")
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    for call in calls:
        ledger.note(Answer(code=call["code"], request_id=call["request_id"]))
    rows = {call["operation"]: row(name, call["operation"], "") for call in calls}
    if done.returncode != 0:
        last = calls[-1]["operation"] if calls else "(start)"
        rows[last] = row(name, last, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no reason given")
    return list(rows.values())


def run_interop(server: Server, scheme: str, ledger: Ledger) -> list[dict[str, str]]:
    """Every algorithm with other implementations: a row for each operation that a scenario is about."""
    command = [str(HOME / INTEROP / "bin" / "python"), "-m", "interop", str(server.dev_json), scheme]
    env = environment(server.dev_json, server.home / "trust.p12")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=HERE)
    (server.home / f"{INTEROP}-{scheme}.log").write_text(done.stderr)
    whys: dict[str, list[str]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        if "why" in line:
            whys.setdefault(line["operation"], []).extend([line["why"]] * bool(line["why"]))
        else:
            ledger.note(Answer(code=line["code"], request_id=line["request_id"]))
    if done.returncode != 0:
        whys["(start)"] = [(done.stderr.strip().splitlines() or ["no reason given"])[-1]]
    return [row(INTEROP, operation, "; ".join(why)) for operation, why in whys.items()]


def row(client: str, operation: str, why: str) -> dict[str, str]:
    return {"client": client, "operation": operation, "verdict": "failed" if why else "ok", "why": why}


def check_audit(server: Server, ledger: Ledger) -> list[str]:
    """Every answer to a known caller has one event, with its code; and no event is without its answer."""
    verified = server.audit("verify")
    if verified.returncode != 0:
        return [f"audit verify: exit {verified.returncode}: {(verified.stderr or verified.stdout).strip()}"]
    tail = server.audit("tail", "--json", "-n", "1000000")
    if tail.returncode != 0:
        return [f"audit tail: exit {tail.returncode}: {tail.stderr.strip()}"]
    faults = [f"request id {each} was given twice" for each in ledger.repeated]
    events: dict[str, str] = {}
    unseen = []
    for event in map(json.loads, tail.stdout.splitlines()):
        request_id, code = event.get("id") or event.get("request_id") or "", event.get("code") or ""
        if not request_id or code in UNKNOWN_CALLER:
            continue
        if request_id in events:
            faults.append(f"two events for request {request_id}")
        events[request_id] = code
        if request_id not in ledger.codes:
            unseen.append(event)
    for request_id, code in ledger.codes.items():
        if events.get(request_id) != code:
            event = events.get(request_id, "nothing")
            faults.append(f"request {request_id} answered {code or 'ok'}; audit has {event}")
    hidden = [event for event in unseen if "GetSecretValue" in event.get("action", "")]
    if len(hidden) != ledger.hidden:
        faults.append(f"{ledger.hidden} reads by clients that hide the request id; audit has {len(hidden)}")
    faults += [f"an event that no client caused: {event}" for event in unseen if event not in hidden]
    return faults


def add_store(parser: argparse.ArgumentParser) -> None:
    """What `place_for` takes."""
    parser.add_argument("--store", default="sqlite", help="sqlite, postgres, or postgres=URL")


@contextmanager
def place_for(wanted: str) -> Iterator[tuple[Path, str, str | None]]:
    """A directory for one server, the name of its store, and the database if there is one; gone afterwards if ours."""
    store, _, url = wanted.partition("=")
    if store not in ("sqlite", "postgres"):
        sys.exit("conformance: --store is sqlite, postgres, or postgres=URL")
    with tempfile.TemporaryDirectory(prefix="yaoku-conformance-") as directory:
        if store == "sqlite" or url:
            yield Path(directory), store, url or None
            return
        Path(directory).chmod(0o755)  # PostgreSQL runs as another user
        postgres = [str(HERE / "postgres.sh"), "start", f"{directory}/postgres"]
        url = subprocess.run(postgres, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        try:
            yield Path(directory), store, url
        finally:
            subprocess.run([str(HERE / "postgres.sh"), "stop", f"{directory}/postgres"], check=True)


def run_server(options: argparse.Namespace, store: str, url: str | None, home: Path) -> list[dict[str, Any]]:
    """All clients and schemes on one server; writes the results, one file per scheme."""
    server = Server(options.yaoku.resolve(), home, url)
    ledger = Ledger()
    schemes = ["https", "http"] if options.scheme == "both" else [options.scheme]
    try:
        make_trust_store(server.dev_json, home / "trust.p12")
        rows = [each for scheme in schemes for each in run_scheme(options, server, store, scheme, ledger)]
    finally:
        stopped = server.stop()
    faults = ([stopped] if stopped else []) + check_audit(server, ledger)
    print(
        f"{store}: {len(ledger.codes)} answers with a request id, {ledger.hidden} without; {len(faults)} audit faults"
    )
    if faults or any(each["verdict"] == "failed" for each in rows):
        keep_logs(home, store)
    shown = faults[:10] + ([f"and {len(faults) - 10} more"] if len(faults) > 10 else [])
    return rows + [scheme_row(row("audit", "(audit)", fault), store, "both") for fault in shown]


def run_scheme(
    options: argparse.Namespace, server: Server, store: str, scheme: str, ledger: Ledger
) -> list[dict[str, Any]]:
    names = [name for name in options.client if name not in CLIENTS or scheme in CLIENTS[name].schemes]
    with ThreadPoolExecutor(IN_PARALLEL) as pool:
        found = pool.map(lambda name: run_client(name, server, scheme, ledger), names)
        rows = [scheme_row(each, store, scheme) for part in found for each in part]
    kind = "results" if options.everything else "partial"
    write_rows(rows, f"{kind}-{store}-{scheme}")
    return rows


def write_rows(rows: list[dict[str, Any]], name: str) -> None:
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)
    (HOME / f"{name}.jsonl").write_text(text)


def scheme_row(part: dict[str, str], store: str, scheme: str) -> dict[str, Any]:
    return {"client": part["client"], "operation": part["operation"], "scheme": scheme, "store": store} | part


def keep_logs(home: Path, store: str) -> None:
    kept = HOME / f"logs-{store}"
    kept.mkdir(exist_ok=True)
    for log in home.glob("*.log"):
        (kept / log.name).write_bytes(log.read_bytes())
    print(f"the logs are in {kept}")


def judge(rows: list[dict[str, Any]], gaps: dict[str, str], everything: bool) -> int:
    """Prints what differs from gaps.toml; 0 if nothing does."""
    failed = {f"{each['client']}:{each['operation']}" for each in rows if each["verdict"] == "failed"}
    ran = {f"{each['client']}:{each['operation']}" for each in rows}
    wrong = 0
    for each in rows:
        if each["verdict"] == "failed" and f"{each['client']}:{each['operation']}" not in gaps:
            print(f"FAILED {each['store']} {each['scheme']} {each['client']} {each['operation']}: {each['why']}")
            wrong += 1
    for gap in gaps:
        if (gap in ran or everything) and gap not in failed:
            print(f"FAILED gaps.toml lists {gap}, which passes or does not exist: take it out")
            wrong += 1
    good = sum(each["verdict"] == "ok" for each in rows)
    print(f"conformance: {good} passed, {wrong} failed, {len(rows) - good - wrong} skipped")
    return 1 if wrong else 0


def options_of(arguments: list[str]) -> argparse.Namespace:
    names = [*CLIENTS, *LIFECYCLES, INTEROP]
    parser = argparse.ArgumentParser(description="Runs the official clients against a live yaoku dev.")
    parser.add_argument("--yaoku", type=Path, default=HERE.parent / "target" / "debug" / "yaoku", help="the program")
    add_store(parser)
    parser.add_argument("--scheme", default="both", choices=["http", "https", "both"])
    parser.add_argument("--client", action="append", choices=names, help="may be repeated; default: all")
    parser.add_argument("--no-install", action="store_true", help="the clients are there already")
    options = parser.parse_args(arguments)
    options.everything = options.client is None
    options.client = options.client or names
    return options


def main() -> int:
    options = options_of(sys.argv[1:])
    if not options.no_install:
        subprocess.run([str(HERE / "install.sh")], check=True)
    gaps = tomllib.loads((HERE / "gaps.toml").read_text())["gaps"]
    with place_for(options.store) as (home, store, url):
        rows = run_server(options, store, url, home)
    return judge(rows, gaps, options.everything)


if __name__ == "__main__":
    sys.exit(main())
