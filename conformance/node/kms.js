// Drives @alicloud/kms20160120: signature V1, parameters in the query.
// Usage: node kms.js DEV_JSON SCHEME OPERATION...
'use strict';

const kms = require('@alicloud/kms20160120');
const { Server, Refused, serve } = require('./driver');

const server = new Server(process.argv[2], process.argv[3]);
const clients = new Map();

function client(who) {
  if (!clients.has(who)) {
    clients.set(who, new kms.default({
      ...server.key(who),
      regionId: server.dev.region,
      endpoint: server.endpoint,
      protocol: server.scheme,
    }));
  }
  return clients.get(who);
}

async function call(who, operation, parameters) {
  const Request = kms[`${operation}Request`];
  const names = Object.entries(Request.names());
  const members = names.filter(([, wire]) => wire in parameters).map(([name, wire]) => [name, parameters[wire]]);
  try {
    const response = await client(who)[methodName(operation)](new Request(Object.fromEntries(members)));
    return response.toMap();
  } catch (error) {
    throw refusal(error);
  }
}

/** The client names an error `<Code>Error` and puts the status into its text. */
function refusal(error) {
  if (!error.data || !error.data.RequestId) {
    return error;
  }
  const status = Number(/^code: (\d+),/.exec(error.message.replace(/^\S+Error: /, ''))?.[1] ?? 0);
  return new Refused(status, error.code.replace(/Error$/, ''), error.message, error.data.RequestId);
}

function methodName(operation) {
  return operation[0].toLowerCase() + operation.slice(1);
}

const known = process.argv.slice(4).filter((name) => kms.default.prototype[methodName(name)]);
serve(Object.fromEntries(known.map((name) => [name, Object.values(kms[`${name}Request`].names())])), call);
