"""A program that logs in to a server, again and again, with what aliyun-secret-manager-client gives it.

It has that client as its users do: with a time for which a value is kept. For each version that it sees it prints
{"version", "logins"}, when it has logged in with it, and once more with the value before it; for each login that fails
{"failed"}. It goes on until its input ends.

Usage: logins.py DEV_JSON SECRET SERVER_AS_JSON
"""

import json
import logging
import os
import sys
import threading
from typing import Any

from alibaba_cloud_secretsmanager_client.model.region_info import RegionInfo
from alibaba_cloud_secretsmanager_client.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
from alibaba_cloud_secretsmanager_client.service.default_secret_manager_client_builder import (
    DefaultSecretManagerClientBuilder,
)
from driver import Server
from log_in import log_in

KEPT_FOR_MS = 250


def main() -> None:
    dev, secret, server = Server(sys.argv[1], "https"), sys.argv[2], json.loads(sys.argv[3])
    manager = (
        DefaultSecretManagerClientBuilder.standard()
        .with_access_key(*dev.key("root")[:2])
        .add_region_info(RegionInfo(dev.region, False, dev.endpoint))
        .build()
    )
    builder = SecretManagerCacheClientBuilder.new_cache_client_builder(manager)
    client = builder.with_secret_ttl(secret, KEPT_FOR_MS).with_logger(quiet()).build()
    threading.Thread(target=end_with_input, daemon=True).start()
    logins, seen = 0, ""
    before = client.get_secret_info(secret)
    while True:
        now = client.get_secret_info(secret)
        logins += attempt(server, now)
        if now.version_id != seen:
            logins += attempt(server, before)
            seen, before = now.version_id, now
            say({"version": seen, "logins": logins})


def attempt(server: dict[str, Any], info: Any) -> int:
    credential = json.loads(info.secret_value)
    try:
        log_in(server, credential)
    except Exception as error:
        who = credential.get("AccountName")
        say({"failed": f"{who} by version {info.version_id}: {type(error).__name__}: {error}"})
        return 0
    return 1


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def quiet() -> logging.Logger:
    logger = logging.getLogger("secrets")
    logger.setLevel(logging.ERROR)
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # the client and its scheduler get in each other's way
    return logger


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)  # the client leaves threads behind


if __name__ == "__main__":
    main()
