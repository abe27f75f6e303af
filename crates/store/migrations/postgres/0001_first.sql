-- The first schema. Times are milliseconds since 1970 (UTC). What is sealed is sealed by `crypto`.
-- Every text is compared byte by byte (COLLATE "C"), so that pages have the same order everywhere.
-- Foreign keys are for what is deleted together; nothing is ever deleted with an account.

CREATE TABLE accounts (
    id       TEXT COLLATE "C" PRIMARY KEY,
    created  BIGINT NOT NULL,
    kms_open BOOLEAN NOT NULL
);

CREATE TABLE users (
    account TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    id      TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

CREATE TABLE access_keys (
    id        TEXT COLLATE "C" PRIMARY KEY,
    account   TEXT COLLATE "C" NOT NULL,
    user_name TEXT COLLATE "C",
    sealed    BYTEA NOT NULL,
    active    BOOLEAN NOT NULL,
    created   BIGINT NOT NULL,
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
);
CREATE INDEX access_keys_user ON access_keys (account, user_name);

CREATE TABLE policies (
    account  TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    created  BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

CREATE TABLE attachments (
    number    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account   TEXT COLLATE "C" NOT NULL,
    user_name TEXT COLLATE "C" NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    policy    TEXT COLLATE "C" NOT NULL,
    UNIQUE (account, user_name, kind, policy),
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
);
CREATE INDEX attachments_policy ON attachments (account, kind, policy);

CREATE TABLE instances (
    id           TEXT COLLATE "C" PRIMARY KEY,
    account      TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL,
    created      BIGINT NOT NULL,
    ends         BIGINT NOT NULL,
    spec         BIGINT NOT NULL,
    key_quota    BIGINT NOT NULL,
    secret_quota BIGINT NOT NULL,
    access_quota BIGINT NOT NULL
);
CREATE INDEX instances_list ON instances (account, created, id);

CREATE TABLE keys (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    account             TEXT COLLATE "C" NOT NULL,
    instance            TEXT COLLATE "C",
    spec                TEXT COLLATE "C" NOT NULL,
    usage               TEXT COLLATE "C" NOT NULL,
    origin              TEXT COLLATE "C" NOT NULL,
    protection          TEXT COLLATE "C" NOT NULL,
    state               TEXT COLLATE "C" NOT NULL,
    creator             TEXT COLLATE "C" NOT NULL,
    description         TEXT COLLATE "C" NOT NULL,
    created             BIGINT NOT NULL,
    primary_version     TEXT COLLATE "C",
    last_rotation       BIGINT,
    rotation_seconds    BIGINT,
    delete_at           BIGINT,
    deletion_protection TEXT COLLATE "C",
    material_expires    BIGINT,
    policy              TEXT COLLATE "C"
);
CREATE INDEX keys_list ON keys (account, created, id);
CREATE INDEX keys_instance ON keys (instance);

CREATE TABLE key_versions (
    number  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      TEXT COLLATE "C" NOT NULL UNIQUE,
    key     TEXT COLLATE "C" NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    sealed  BYTEA NOT NULL
);
CREATE INDEX key_versions_key ON key_versions (key);

CREATE TABLE aliases (
    account TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);
CREATE INDEX aliases_key ON aliases (key);

-- `stages` is a JSON object: label to version.
CREATE TABLE secrets (
    account      TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    instance     TEXT COLLATE "C",
    key          TEXT COLLATE "C" NOT NULL,
    customer_key BOOLEAN NOT NULL,
    description  TEXT COLLATE "C" NOT NULL,
    created      BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    delete_at    BIGINT,
    policy       TEXT COLLATE "C",
    stages       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, name)
);
CREATE INDEX secrets_list ON secrets (account, created, name);
CREATE INDEX secrets_instance ON secrets (instance);
CREATE INDEX secrets_key ON secrets (key);

CREATE TABLE secret_versions (
    number          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account         TEXT COLLATE "C" NOT NULL,
    secret          TEXT COLLATE "C" NOT NULL,
    id              TEXT COLLATE "C" NOT NULL,
    created         BIGINT NOT NULL,
    data_type       TEXT COLLATE "C" NOT NULL,
    key_version     TEXT COLLATE "C" NOT NULL,
    sealed_data_key BYTEA NOT NULL,
    sealed_value    BYTEA NOT NULL,
    UNIQUE (account, secret, id),
    FOREIGN KEY (account, secret) REFERENCES secrets (account, name) ON DELETE CASCADE
);
CREATE INDEX secret_versions_key ON secret_versions (key_version);

CREATE TABLE tags (
    account  TEXT COLLATE "C" NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL,
    value    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, kind, resource, key)
);
CREATE INDEX tags_find ON tags (account, kind, key, value);

CREATE TABLE settings (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- An empty `instance` is everything outside instances.
CREATE TABLE wrapping_keys (
    account  TEXT COLLATE "C" NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    sealed   BYTEA NOT NULL,
    PRIMARY KEY (account, instance)
);

CREATE TABLE events (
    number BIGINT PRIMARY KEY,
    node   TEXT COLLATE "C" NOT NULL,
    event  BYTEA NOT NULL
);
CREATE INDEX events_node ON events (node, number);

CREATE TABLE audit_heads (
    node TEXT COLLATE "C" PRIMARY KEY,
    head BYTEA NOT NULL
);

CREATE TABLE nonces (
    hash       BYTEA PRIMARY KEY,
    kept_until BIGINT NOT NULL
);
CREATE INDEX nonces_until ON nonces (kept_until);

-- `place` is where a transaction stands among all others: its id, or a number from `feed_place`.
CREATE TABLE feed (
    number  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place   BIGINT NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX feed_read ON feed (place, number);

CREATE TABLE feed_place (place BIGINT NOT NULL);
INSERT INTO feed_place (place) VALUES (0);
