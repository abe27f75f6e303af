// Drives @alicloud/pop-core: signature V1, everything in the form body, the signature too.
// Usage: node pop.js DEV_JSON SCHEME OPERATION...
'use strict';

const { RPCClient } = require('@alicloud/pop-core');
const { Server, Refused, serve } = require('./driver');

const REPEATED = new Set(['ResourceId', 'Tag', 'TagKey']);
const server = new Server(process.argv[2], process.argv[3]);
const clients = new Map();

function client(who) {
  if (!clients.has(who)) {
    clients.set(who, new RPCClient({
      ...server.key(who),
      endpoint: `${server.scheme}://${server.endpoint}`,
      apiVersion: '2016-01-20',
      // Its own three seconds are too few for an RSA key on a machine that builds something else.
      opts: { timeout: 30000 },
    }));
  }
  return clients.get(who);
}

async function call(who, operation, parameters) {
  try {
    return await client(who).request(operation, spelled(parameters), { method: 'POST' });
  } catch (error) {
    if (!error.data || !error.data.RequestId) {
      throw error;
    }
    throw new Refused(error.entry.response.statusCode, error.code, error.message, error.data.RequestId);
  }
}

/** The client numbers repeated parameters; other structures go as JSON text. */
function spelled(parameters) {
  const text = (name, value) => (typeof value === 'object' && !REPEATED.has(name) ? JSON.stringify(value) : value);
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, text(name, value)]));
}

serve(Object.fromEntries(process.argv.slice(4).map((name) => [name, null])), call);
