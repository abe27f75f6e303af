"""Logs in once for each line {"server", "credential"} of its input, and prints {"why"}: null if it could.

Only a server that said no has a why; what else goes wrong ends the program.
"""

import json
import sys

import paramiko
import pg8000.dbapi
import pymysql
import redis
from log_in import log_in

REFUSED = (
    paramiko.AuthenticationException,
    pg8000.dbapi.DatabaseError,
    pymysql.err.OperationalError,
    redis.AuthenticationError,
)

for line in sys.stdin:
    asked = json.loads(line)
    try:
        log_in(asked["server"], asked["credential"])
    except REFUSED as error:
        print(json.dumps({"why": f"{type(error).__name__}: {error}"}), flush=True)
    else:
        print(json.dumps({"why": None}), flush=True)
