-- The first schema. Times are milliseconds since 1970 (UTC). What is sealed is sealed by `crypto`.
-- Foreign keys are for what is deleted together; nothing is ever deleted with an account.

CREATE TABLE accounts (
    id       TEXT NOT NULL PRIMARY KEY,
    created  INTEGER NOT NULL,
    kms_open INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    account TEXT NOT NULL,
    name    TEXT NOT NULL,
    id      TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;

CREATE TABLE access_keys (
    id        TEXT NOT NULL PRIMARY KEY,
    account   TEXT NOT NULL,
    user_name TEXT,
    sealed    BLOB NOT NULL,
    active    INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX access_keys_user ON access_keys (account, user_name);

CREATE TABLE policies (
    account  TEXT NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL,
    created  INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;

CREATE TABLE attachments (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    account   TEXT NOT NULL,
    user_name TEXT NOT NULL,
    kind      TEXT NOT NULL,
    policy    TEXT NOT NULL,
    UNIQUE (account, user_name, kind, policy),
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX attachments_policy ON attachments (account, kind, policy);

CREATE TABLE instances (
    id           TEXT NOT NULL PRIMARY KEY,
    account      TEXT NOT NULL,
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    status       TEXT NOT NULL,
    created      INTEGER NOT NULL,
    ends         INTEGER NOT NULL,
    spec         INTEGER NOT NULL,
    key_quota    INTEGER NOT NULL,
    secret_quota INTEGER NOT NULL,
    access_quota INTEGER NOT NULL
) STRICT;
CREATE INDEX instances_list ON instances (account, created, id);

CREATE TABLE keys (
    id                  TEXT NOT NULL PRIMARY KEY,
    account             TEXT NOT NULL,
    instance            TEXT,
    spec                TEXT NOT NULL,
    usage               TEXT NOT NULL,
    origin              TEXT NOT NULL,
    protection          TEXT NOT NULL,
    state               TEXT NOT NULL,
    creator             TEXT NOT NULL,
    description         TEXT NOT NULL,
    created             INTEGER NOT NULL,
    primary_version     TEXT,
    last_rotation       INTEGER,
    rotation_seconds    INTEGER,
    delete_at           INTEGER,
    deletion_protection TEXT,
    material_expires    INTEGER,
    policy              TEXT
) STRICT;
CREATE INDEX keys_list ON keys (account, created, id);
CREATE INDEX keys_instance ON keys (instance);

CREATE TABLE key_versions (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    key     TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;
CREATE INDEX key_versions_key ON key_versions (key);

CREATE TABLE aliases (
    account TEXT NOT NULL,
    name    TEXT NOT NULL,
    key     TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;
CREATE INDEX aliases_key ON aliases (key);

-- `stages` is a JSON object: label to version.
CREATE TABLE secrets (
    account      TEXT NOT NULL,
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    instance     TEXT,
    key          TEXT NOT NULL,
    customer_key INTEGER NOT NULL,
    description  TEXT NOT NULL,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    delete_at    INTEGER,
    policy       TEXT,
    stages       TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;
CREATE INDEX secrets_list ON secrets (account, created, name);
CREATE INDEX secrets_instance ON secrets (instance);
CREATE INDEX secrets_key ON secrets (key);

CREATE TABLE secret_versions (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    account         TEXT NOT NULL,
    secret          TEXT NOT NULL,
    id              TEXT NOT NULL,
    created         INTEGER NOT NULL,
    data_type       TEXT NOT NULL,
    key_version     TEXT NOT NULL,
    sealed_data_key BLOB NOT NULL,
    sealed_value    BLOB NOT NULL,
    UNIQUE (account, secret, id),
    FOREIGN KEY (account, secret) REFERENCES secrets (account, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX secret_versions_key ON secret_versions (key_version);

CREATE TABLE tags (
    account  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    resource TEXT NOT NULL,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (account, kind, resource, key)
) STRICT;
CREATE INDEX tags_find ON tags (account, kind, key, value);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- An empty `instance` is everything outside instances.
CREATE TABLE wrapping_keys (
    account  TEXT NOT NULL,
    instance TEXT NOT NULL,
    sealed   BLOB NOT NULL,
    PRIMARY KEY (account, instance)
) STRICT;

CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    node   TEXT NOT NULL,
    event  BLOB NOT NULL
) STRICT;
CREATE INDEX events_node ON events (node, number);

CREATE TABLE audit_heads (
    node TEXT NOT NULL PRIMARY KEY,
    head BLOB NOT NULL
) STRICT;

CREATE TABLE nonces (
    hash       BLOB NOT NULL PRIMARY KEY,
    kept_until INTEGER NOT NULL
) STRICT;
CREATE INDEX nonces_until ON nonces (kept_until);

-- `place` is where a transaction stands among all others: its id, or a number from `feed_place`.
CREATE TABLE feed (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    place   INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    account TEXT NOT NULL,
    name    TEXT NOT NULL
) STRICT;
CREATE INDEX feed_read ON feed (place, number);

CREATE TABLE feed_place (place INTEGER NOT NULL) STRICT;
INSERT INTO feed_place (place) VALUES (0);
