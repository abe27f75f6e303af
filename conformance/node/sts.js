// Sessions of a role by @alicloud/sts20150401: signature V3, or no signature at all.
// Usage: node sts.js SETTING SCHEME; prints {"client", "operation", "why"} for each operation.
'use strict';

const fs = require('fs');
const sts = require('@alicloud/sts20150401');

const setting = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const scheme = process.argv[3];

function client(caller) {
  const endpoint = scheme === 'https' ? setting.endpoint : setting.http_endpoint;
  return new sts.default({ endpoint, protocol: scheme, regionId: setting.region, ...caller });
}

const user = { accessKeyId: setting.user_id, accessKeySecret: setting.user_secret };
const root = { accessKeyId: setting.root_id, accessKeySecret: setting.root_secret };

function expect(condition, why) {
  if (!condition) {
    throw new Error(why);
  }
}

async function refused(code, call) {
  try {
    await call();
  } catch (error) {
    expect(error.code === code, `${error.code} (${error.message}), not ${code}`);
    return;
  }
  throw new Error(`served, not refused with ${code}`);
}

async function mustBeASession(credentials) {
  const { accessKeyId, accessKeySecret, securityToken } = credentials;
  const told = await client({ accessKeyId, accessKeySecret, securityToken }).getCallerIdentity();
  expect(told.body.identityType === 'AssumedRoleUser', JSON.stringify(told.body));
  const changed = `${securityToken.slice(0, -4)}AAAA`;
  const other = client({ accessKeyId, accessKeySecret, securityToken: changed });
  await refused('InvalidSecurityToken.Malformed', () => other.getCallerIdentity());
}

const scenarios = {
  async AssumeRole() {
    const request = new sts.AssumeRoleRequest({
      roleArn: setting.role,
      roleSessionName: 'npm',
      durationSeconds: 900,
      externalId: 'customer:42',
    });
    await refused('NoPermission', () => client(root).assumeRole(request));
    await mustBeASession((await client(user).assumeRole(request)).body.credentials);
  },

  async GetCallerIdentity() {
    const told = await client(user).getCallerIdentity();
    expect(told.body.arn === `acs:ram::${setting.account}:user/app`, JSON.stringify(told.body));
  },

  async AssumeRoleWithOIDC() {
    const ask = (token) => client({}).assumeRoleWithOIDC(new sts.AssumeRoleWithOIDCRequest({
      OIDCProviderArn: setting.provider,
      OIDCToken: fs.readFileSync(token, 'utf8'),
      roleArn: setting.federated_role,
      roleSessionName: 'npm',
    }));
    await refused('AuthenticationFail.OIDCToken.Invalid', () => ask(setting.bad_token));
    await mustBeASession((await ask(setting.token)).body.credentials);
  },
};

async function main() {
  for (const [operation, play] of Object.entries(scenarios)) {
    let why = '';
    try {
      await play();
    } catch (error) {
      console.error(error);
      why = error.message;
    }
    console.log(JSON.stringify({ client: 'npm-sts20150401', operation, why }));
  }
}

main();
