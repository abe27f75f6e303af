// Drives a client on @alicloud/openapi-core, the one of the product whose package is named: signature V3, parameters in
// the query.
// Usage: node openapi.js PACKAGE DEV_JSON SCHEME OPERATION...
'use strict';

const fs = require('node:fs');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const { RuntimeOptions } = require('@darabonba/typescript');
const { Server, Refused, serve } = require('./driver');

const product = require(process.argv[2]);
const server = new Server(process.argv[3], process.argv[4]);
const clients = new Map();

function client(who) {
  const name = JSON.stringify(who);
  if (!clients.has(name)) {
    clients.set(name, new product.default(new $OpenApiUtil.Config({
      ...server.key(who),
      regionId: server.dev.region,
      endpoint: server.endpoint,
      protocol: server.scheme,
      ca: fs.readFileSync(server.dev.ca, 'utf8'),
    })));
  }
  return clients.get(name);
}

async function call(who, operation, parameters) {
  const Request = product[`${operation}Request`];
  const request = Request ? [new Request(members(Request, parameters))] : [];
  try {
    const response = await client(who)[methodName(operation)](...request, new RuntimeOptions({}));
    return response.body.toMap();
  } catch (error) {
    throw refusal(error);
  }
}

/** The request's members by their own names; of a list of objects, each by the names of its class. */
function members(Request, parameters) {
  const names = Object.entries(Request.names()).filter(([, wire]) => wire in parameters);
  const types = Request.types();
  const value = (name, given) => (Array.isArray(given) && typeof types[name].itemType === 'function'
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

/** The parameters that an operation has; one without any has no class of requests. */
function fields(operation) {
  return Object.values(product[`${operation}Request`]?.names() ?? {});
}

const known = process.argv.slice(5).filter((name) => product.default.prototype[methodName(name)]);
serve(Object.fromEntries(known.map((name) => [name, fields(name)])), call);
