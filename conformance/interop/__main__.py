"""Every algorithm both ways, through the API, with implementations that are not ours.

`cryptography` (PyPI) and openssl for RSA, ECDSA, AES and SM4; gmssl (PyPI, pure Python) and openssl for SM2 and SM4.

Usage: python -m interop DEV_JSON SCHEME, in this folder's parent, with the Python of .conformance/interop.
Prints one JSON line per call, and one per scenario: its operation, and what was wrong (nothing: it held).
"""

import json
import subprocess
import sys
import traceback

from lifecycle import Life, Server, Unexpected

import interop.ciphers
import interop.exports
import interop.imports
import interop.pairs
import interop.sm2  # noqa: F401
from interop.scenario import SCENARIOS


def main() -> None:
    life = Life(Server(*sys.argv[1:3]))
    for operation, scenario in SCENARIOS:
        why = ""
        try:
            scenario(life)
        except (Unexpected, KeyError, IndexError, TypeError, ValueError, subprocess.CalledProcessError) as failed:
            traceback.print_exc()
            why = f"{scenario.__name__.replace('_', ' ')}: {type(failed).__name__}: {failed}"
        print(json.dumps({"operation": operation, "why": why}), flush=True)


if __name__ == "__main__":
    main()
