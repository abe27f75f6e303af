"""The loop that every Python driver shares: JSON lines in, JSON lines out (README.md, "Drivers")."""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

STRANGER = "LTAI000000000000stranger"
WRONG_SECRET = "not-the-secret-of-this-access-key"


class Refused(Exception):
    """The server said no, as the client surfaces it. `status` is 0 where the client does not tell."""

    def __init__(self, status: int, code: str, message: str, request_id: str, **body: Any) -> None:
        super().__init__(code)
        self.reply = {"status": status, "code": code, "message": message, "request_id": request_id, "body": body}


class Key(NamedTuple):
    """An access key, with a token if it is a session's."""

    id: str
    secret: str
    token: str = ""


Who = str | Key
"""Somebody of dev.json by name, or whoever has this key."""


class Server:
    """What dev.json says, for one scheme."""

    def __init__(self, dev_json: str, scheme: str) -> None:
        with open(dev_json, encoding="utf-8") as file:
            self.dev: dict[str, str] = json.load(file)
        self.scheme = scheme
        self.region = self.dev["region"]
        self.ca = self.dev["ca"]
        self.endpoint = self.dev["endpoint" if scheme == "https" else "http_endpoint"]

    def key(self, who: Who) -> Key:
        """The access key of `root`, `user`, `stranger` (unknown id) or `forger` (wrong secret), or the given one."""
        dev = self.dev
        named = {
            "root": Key(dev["access_key_id"], dev["access_key_secret"]),
            "user": Key(dev["user_access_key_id"], dev["user_access_key_secret"]),
            "stranger": Key(STRANGER, WRONG_SECRET),
            "forger": Key(dev["access_key_id"], WRONG_SECRET),
        }
        return who if isinstance(who, Key) else named[who]

    def config(self, who: Who) -> dict[str, Any]:
        """The members of a Tea client's Config."""
        key = self.key(who)
        return {
            "access_key_id": key.id,
            "access_key_secret": key.secret,
            "security_token": key.token or None,
            "region_id": self.region,
            "endpoint": self.endpoint,
            "protocol": self.scheme,
            "ca": self.ca if self.scheme == "https" else None,
        }


def refusal(error: Exception) -> Exception:
    """Both generations of the library, each with its own exception; what is not an answer is passed on."""
    data = getattr(error, "data", None)
    if not isinstance(data, dict) or "RequestId" not in data:
        return error
    status = getattr(error, "status_code", None) or getattr(error, "statusCode", None) or data.get("statusCode", 0)
    told = {name: data[name] for name in ("AccessDeniedDetail",) if name in data}
    return Refused(int(status), error.code, error.message, data["RequestId"], **told)


Call = Callable[[Who, str, dict[str, Any]], dict[str, Any]]


def serve(hello: dict[str, Any], call: Call) -> None:
    """Says what the client can do, then answers call after call until the input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    print(json.dumps(hello), file=out)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), call)), file=out)
    out.flush()
    os._exit(0)  # some clients leave threads behind that never end


def _answer(request: dict[str, Any], call: Call) -> dict[str, Any]:
    who = request["who"]
    try:
        body = call(Key(**who) if isinstance(who, dict) else who, request["operation"], request["parameters"])
        return {"status": 200, "body": body}
    except Refused as refused:
        return refused.reply
    except Exception as fault:
        traceback.print_exc()
        return {"status": 0, "code": f"Client.{type(fault).__name__}", "message": str(fault), "request_id": ""}
