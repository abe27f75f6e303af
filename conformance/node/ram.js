// Drives @alicloud/ram20150501: signature V3, parameters in the query.
// Usage: node ram.js DEV_JSON SCHEME OPERATION...
'use strict';

const fs = require('node:fs');
const ram = require('@alicloud/ram20150501');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const { RuntimeOptions } = require('@darabonba/typescript');
const { Server, Refused, serve } = require('./driver');

const server = new Server(process.argv[2], process.argv[3]);
const clients = new Map();

function client(who) {
  if (!clients.has(who)) {
    clients.set(who, new ram.default(new $OpenApiUtil.Config({
      ...server.credentials(who),
      regionId: server.dev.region,
      endpoint: server.endpoint,
      protocol: server.scheme,
      ca: fs.readFileSync(server.dev.ca, 'utf8'),
    })));
  }
  return clients.get(who);
}

async function call(who, operation, parameters) {
  const Request = ram[`${operation}Request`];
  try {
    const request = new Request(members(Request, parameters));
    const response = await client(who)[methodName(operation)](request, new RuntimeOptions({}));
    return response.body.toMap();
  } catch (error) {
    throw refusal(error);
  }
}

/** The request's members by their own names; of a list of objects, each by the names of its class. */
function members(Request, parameters) {
  const names = Object.entries(Request.names()).filter(([, wire]) => wire in parameters);
  const types = Request.types();
  const value = (name, given) => (Array.isArray(given)
    ? given.map((each) => new types[name].itemType(members(types[name].itemType, each)))
    : given);
  return Object.fromEntries(names.map(([name, wire]) => [name, value(name, parameters[wire])]));
}

function refusal(error) {
  if (!error.data || !error.data.RequestId) {
    return error;
  }
  return new Refused(Number(error.data.statusCode ?? 0), error.code, error.message, error.data.RequestId);
}

function methodName(operation) {
  return `${operation[0].toLowerCase()}${operation.slice(1)}WithOptions`;
}

const known = process.argv.slice(4).filter((name) => ram.default.prototype[methodName(name)]);
serve(Object.fromEntries(known.map((name) => [name, Object.values(ram[`${name}Request`].names())])), call);
