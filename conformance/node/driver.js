// The loop that both Node drivers share: JSON lines in, JSON lines out (README.md, "Drivers").
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');

/** What dev.json says, for one scheme. */
class Server {
  constructor(devJson, scheme) {
    this.dev = JSON.parse(fs.readFileSync(devJson, 'utf8'));
    this.scheme = scheme;
    this.endpoint = this.dev[scheme === 'https' ? 'endpoint' : 'http_endpoint'];
  }

  /** The access key of `root`, `user`, `stranger` (unknown id) or `forger` (wrong secret), or the given one. */
  key(who) {
    const { dev } = this;
    if (typeof who === 'object') {
      return { accessKeyId: who.id, accessKeySecret: who.secret, securityToken: who.token };
    }
    const wrong = 'not-the-secret-of-this-access-key';
    return {
      root: { accessKeyId: dev.access_key_id, accessKeySecret: dev.access_key_secret },
      user: { accessKeyId: dev.user_access_key_id, accessKeySecret: dev.user_access_key_secret },
      stranger: { accessKeyId: 'LTAI000000000000stranger', accessKeySecret: wrong },
      forger: { accessKeyId: dev.access_key_id, accessKeySecret: wrong },
    }[who];
  }
}

/** The server said no, as the client surfaces it. */
class Refused extends Error {
  constructor(status, code, message, requestId) {
    super(code);
    this.reply = { status, code, message, request_id: requestId };
  }
}

/** Says what the client can do, then answers call after call until the input ends. */
async function serve(operations, call) {
  print({ operations });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    print(await answer(JSON.parse(line), call));
  }
  process.exit(0);
}

async function answer({ who, operation, parameters }, call) {
  try {
    return { status: 200, body: await call(who, operation, parameters) };
  } catch (error) {
    if (error instanceof Refused) {
      return error.reply;
    }
    console.error(error);
    return { status: 0, code: `Client.${error.name}`, message: error.message, request_id: '' };
  }
}

function print(value) {
  fs.writeSync(1, `${JSON.stringify(value)}\n`);
}

module.exports = { Server, Refused, serve };
