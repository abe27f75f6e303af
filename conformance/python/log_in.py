"""Logs in to a real server as an application does, by the client library of its engine."""

import base64
from typing import Any

import paramiko
import pg8000.dbapi
import pymysql
import redis
from cryptography.hazmat.primitives.serialization import load_pem_private_key

WITHIN_SECONDS = 20


def log_in(server: dict[str, Any], credential: dict[str, str]) -> None:
    """Logs in and asks something; fails as the library does. `server` has `engine`, `port` and `host_key`.

    Of SSH it may have `then`: a command for the shell.
    """
    HOW[server["engine"]](server, credential)


def mysql(server: dict[str, Any], credential: dict[str, str]) -> None:
    connection = pymysql.connect(
        host="127.0.0.1",
        port=server["port"],
        user=credential["AccountName"],
        password=credential["AccountPassword"],
        connect_timeout=WITHIN_SECONDS,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def postgres(server: dict[str, Any], credential: dict[str, str]) -> None:
    connection = pg8000.dbapi.connect(
        host="127.0.0.1",
        port=server["port"],
        user=credential["AccountName"],
        password=credential["AccountPassword"],
        database="postgres",
        timeout=WITHIN_SECONDS,
    )
    connection.cursor().execute("SELECT 1")
    connection.close()


def redis_(server: dict[str, Any], credential: dict[str, str]) -> None:
    user, password = credential["AccountName"], credential["AccountPassword"]
    client = redis.Redis("127.0.0.1", server["port"], username=user, password=password, socket_timeout=WITHIN_SECONDS)
    with client:
        client.ping()


def ssh(server: dict[str, Any], credential: dict[str, str]) -> None:
    kind, _, data = server["host_key"].partition(" ")
    client = paramiko.SSHClient()
    key = paramiko.Ed25519Key(data=base64.b64decode(data))
    client.get_host_keys().add(f"[127.0.0.1]:{server['port']}", kind, key)
    by: dict[str, Any] = {"password": credential.get("Password")}
    if "PrivateKey" in credential:
        by = {"pkey": paramiko.RSAKey(key=load_pem_private_key(credential["PrivateKey"].encode(), None))}
    try:
        client.connect(
            "127.0.0.1",
            server["port"],
            credential["UserName"],
            timeout=WITHIN_SECONDS,
            allow_agent=False,
            look_for_keys=False,
            **by,
        )
        client.exec_command(server.get("then", "true"))[1].read()
    finally:
        client.close()


HOW = {"MySQL": mysql, "PostgreSQL": postgres, "Redis": redis_, "SSH": ssh}
