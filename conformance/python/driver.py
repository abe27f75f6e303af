"""The loop that every Python driver shares: JSON lines in, JSON lines out (README.md, "Drivers")."""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

STRANGER = "LTAI000000000000stranger"
WRONG_SECRET = "not-the-secret-of-this-access-key"


class Refused(Exception):
    """The server said no, as the client surfaces it. `status` is 0 where the client does not tell."""

    def __init__(self, status: int, code: str, message: str, request_id: str) -> None:
        super().__init__(code)
        self.reply = {"status": status, "code": code, "message": message, "request_id": request_id}


class Server:
    """What dev.json says, for one scheme."""

    def __init__(self, dev_json: str, scheme: str) -> None:
        with open(dev_json, encoding="utf-8") as file:
            self.dev: dict[str, str] = json.load(file)
        self.scheme = scheme
        self.region = self.dev["region"]
        self.ca = self.dev["ca"]
        self.endpoint = self.dev["endpoint" if scheme == "https" else "http_endpoint"]

    def credentials(self, who: str) -> tuple[str, str]:
        """Access key id and secret of `root`, `user`, `stranger` (unknown id) or `forger` (wrong secret)."""
        dev = self.dev
        return {
            "root": (dev["access_key_id"], dev["access_key_secret"]),
            "user": (dev["user_access_key_id"], dev["user_access_key_secret"]),
            "stranger": (STRANGER, WRONG_SECRET),
            "forger": (dev["access_key_id"], WRONG_SECRET),
        }[who]


def refusal(error: Exception) -> Exception:
    """Both generations of the library, each with its own exception; what is not an answer is passed on."""
    data = getattr(error, "data", None)
    if not isinstance(data, dict) or "RequestId" not in data:
        return error
    status = getattr(error, "status_code", None) or getattr(error, "statusCode", None) or data.get("statusCode", 0)
    return Refused(int(status), error.code, error.message, data["RequestId"])


Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]


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
    try:
        body = call(request["who"], request["operation"], request["parameters"])
        return {"status": 200, "body": body}
    except Refused as refused:
        return refused.reply
    except Exception as fault:
        traceback.print_exc()
        return {"status": 0, "code": f"Client.{type(fault).__name__}", "message": str(fault), "request_id": ""}
