"""How a check speaks: calls through the client under test, looks through a witness, and matchers for answers."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clients import Answer, Driver, Who

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
REQUEST_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANCE_KEY = re.compile(r"key-[a-z]{3}[0-9a-f]{8}[a-z0-9]{10}")
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
TEXT = re.compile(r".+", re.DOTALL)

ABSENT = object()
"""Matches a member that the client does not have, or has empty."""

# Refused before the caller is known: audit counts these and has no event for each.
UNKNOWN_CALLER = {
    "AuthenticationFail.OIDCToken.Expired",
    "AuthenticationFail.OIDCToken.Invalid",
    "InvalidAccessKeyId.Inactive",
    "InvalidAccessKeyId.NotFound",
    "InvalidSecurityToken.Malformed",
    "SignatureDoesNotMatch",
}


class CheckFailed(Exception):
    """The answer, or the state afterwards, is not what the specification says."""


class Ledger:
    """Every request id that a client surfaced, with its code; what audit must know too. Shared by all runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.codes: dict[str, str] = {}
        self.repeated: list[str] = []
        self.hidden = 0

    def note(self, answer: Answer) -> None:
        with self._lock:
            if answer.code in UNKNOWN_CALLER:
                return
            if not answer.request_id:
                self.hidden += not answer.code.startswith("Client.")
            elif answer.request_id in self.codes:
                self.repeated.append(answer.request_id)
            else:
                self.codes[answer.request_id] = answer.code


class Run:
    """One client, one scheme, one server."""

    def __init__(self, driver: Driver, witness: Driver, dev: dict[str, str], ledger: Ledger) -> None:
        self.driver = driver
        self.witness = witness
        self.dev = dev
        self.ledger = ledger
        self.id = uuid.uuid4().hex[:10]
        self.keys: dict[str, str] = {}
        self.at_end: list[tuple[str, dict[str, Any]]] = []
        """The calls that take away what is left, the last one first; that something is gone already is no fault."""
        self._names = 0

    def name(self, stem: str) -> str:
        """A name that no other run has."""
        self._names += 1
        return f"{stem}-{self.id}-{self._names}"

    def knows(self, operation: str, *parameters: str) -> bool:
        return self.driver.knows(operation, *parameters)

    def ok(self, operation: str, who: Who = "root", **parameters: Any) -> dict[str, Any]:
        """A call through the client that must succeed; its answer."""
        if not self.knows(operation, *parameters):
            raise CheckFailed(f"the client has no {operation} with {', '.join(parameters)}: guard the check")
        return self._expect_ok(self.driver, operation, who, parameters)

    def aside(self, operation: str, who: Who = "root", **parameters: Any) -> dict[str, Any]:
        """A call through the witness that must succeed: to prepare, or to tidy up."""
        return self._expect_ok(self.witness, operation, who, parameters)

    def see(self, operation: str, who: Who = "root", **parameters: Any) -> dict[str, Any]:
        """The state afterwards: through the client where it can say it, else through the witness."""
        able = self.knows(operation, *parameters)
        return self._expect_ok(self.driver if able else self.witness, operation, who, parameters)

    def refused(self, code: str, status: int, operation: str, who: Who = "root", **parameters: Any) -> None:
        """A call through the client that must be refused with this code, and this status where the client tells."""
        if not self.knows(operation, *parameters):
            raise CheckFailed(f"the client has no {operation} with {', '.join(parameters)}: guard the check")
        answer = self._call(self.driver, operation, who, parameters)
        where = f"{operation} as {who if isinstance(who, str) else who['id']} {short(parameters)}"
        if answer.status == 200 and not answer.code:
            raise CheckFailed(f"{where}: served, not refused with {code}")
        if answer.code != code:
            raise CheckFailed(f"{where}: {answer.code} ({answer.message}), not {code}")
        if answer.status not in (0, status):
            raise CheckFailed(f"{where}: {code} has status {answer.status}, not {status}")
        if not self.driver.reader and not REQUEST_ID.fullmatch(answer.request_id):
            raise CheckFailed(f"{where}: {code} has request id {answer.request_id!r}")

    def denied(self, operation: str, who: Who, **parameters: Any) -> dict[str, Any]:
        """A call through the witness that policies must refuse; what its refusal says of why."""
        answer = self._call(self.witness, operation, who, parameters)
        if answer.status != 403:
            raise CheckFailed(f"{operation} {short(parameters)}: {answer.status} {answer.code}, not 403")
        detail: dict[str, Any] = answer.body["AccessDeniedDetail"]
        return detail

    def tidy_up(self) -> None:
        for operation, parameters in reversed(self.at_end):
            self._call(self.witness, operation, "root", parameters)

    def marked(self, operation: str, wrapper: str, item: str, **parameters: Any) -> list[Any]:
        """Every element of a list of RAM's, through the client, part by part to its end."""
        found: list[Any] = []
        marker: dict[str, str] = {}
        while True:
            part = self.ok(operation, **marker, **parameters)
            found += self.list(part, wrapper, item)
            if part["IsTruncated"] is False:
                match(part, {"Marker": ABSENT})
                return found
            match(part, {"IsTruncated": True})
            marker = {"Marker": part["Marker"]}

    def list(self, body: dict[str, Any], wrapper: str, item: str) -> list[Any]:
        """A list in an answer of the client; it is wrapped, unless the client unwraps all lists itself."""
        return items(body, wrapper, item, self.driver.flat_lists)

    def pages(self, operation: str, wrapper: str, item: str, **parameters: Any) -> Iterator[Any]:
        """Every element of a paged list, through the client, page by page to TotalCount."""
        page, seen = 1, 0
        while True:
            body = self.ok(operation, PageNumber=page, PageSize=100, **parameters)
            match(body, {"PageNumber": page, "PageSize": 100, "TotalCount": int})
            found = self.list(body, wrapper, item)
            yield from found
            seen += len(found)
            if not found or seen >= body["TotalCount"]:
                return
            page += 1

    def _expect_ok(self, driver: Driver, operation: str, who: Who, parameters: dict[str, Any]) -> dict[str, Any]:
        answer = self._call(driver, operation, who, parameters)
        if answer.status != 200 or answer.code:
            raise CheckFailed(f"{operation} {short(parameters)}: {answer.status} {answer.code} ({answer.message})")
        if not driver.reader and not REQUEST_ID.fullmatch(answer.request_id):
            raise CheckFailed(f"{operation}: request id {answer.request_id!r}")
        return answer.body

    def _call(self, driver: Driver, operation: str, who: Who, parameters: dict[str, Any]) -> Answer:
        answer = driver.call(who, operation, parameters)
        self.ledger.note(answer)
        return answer


def items(body: dict[str, Any], wrapper: str, item: str, flat: bool = False) -> list[Any]:
    """`body[wrapper][item]`, never absent, empty included; `body[wrapper]` if the client has flat lists."""
    outer = body.get(wrapper)
    found = outer if flat else outer.get(item) if isinstance(outer, dict) else None
    if not isinstance(found, list):
        raise CheckFailed(f"{wrapper} is {outer!r}, not a list wrapped in {item}")
    return found


def match(actual: Any, expected: Any, where: str = "answer") -> None:
    """Compares with a value, a type, a pattern, ABSENT, a list, or a dict of these (which may have fewer members)."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            raise CheckFailed(f"{where} is {actual!r}, not an object")
        for name, part in expected.items():
            match(actual.get(name, ABSENT), part, f"{where}.{name}")
        return
    if not _fits(actual, expected):
        raise CheckFailed(f"{where} is {'absent' if actual is ABSENT else repr(actual)}, not {_said(expected)}")


def _fits(actual: Any, expected: Any) -> bool:
    if expected is ABSENT:
        return actual is ABSENT or actual in (None, "")
    if isinstance(expected, re.Pattern):
        return isinstance(actual, str) and expected.fullmatch(actual) is not None
    if isinstance(expected, type):
        return type(actual) is expected
    return type(actual) is type(expected) and actual == expected


def _said(expected: Any) -> str:
    if expected is ABSENT:
        return "absent"
    return expected.pattern if isinstance(expected, re.Pattern) else repr(expected)


def one(found: list[dict[str, Any]], **members: Any) -> dict[str, Any]:
    """The only element with these members."""
    fitting = [each for each in found if all(each.get(name) == value for name, value in members.items())]
    if len(fitting) != 1:
        raise CheckFailed(f"{len(fitting)} elements with {members} in a list of {len(found)}")
    return fitting[0]


def require(condition: bool, what: str) -> None:
    if not condition:
        raise CheckFailed(what)


def short(parameters: dict[str, Any]) -> str:
    text = json.dumps(parameters, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"


Check = Callable[[Run], None]
CHECKS: dict[str, list[tuple[str, Check]]] = {"kms": [], "ram": [], "sts": []}


def check(operation: str, product: str = "kms") -> Callable[[Check], Check]:
    """Registers a check of one operation; it is run for the clients that have the operation, in order of definition."""

    def register(function: Check) -> Check:
        CHECKS[product].append((operation, function))
        return function

    return register


def sentence(function: Check) -> str:
    return function.__name__.replace("_", " ")


def load_dev(dev_json: Path) -> dict[str, str]:
    dev: dict[str, str] = json.loads(dev_json.read_text())
    return dev
