-- Managed secrets: what they know of the credential behind them, the servers these are on, and the
-- rotations that were begun. Times are milliseconds since 1970 (UTC).

-- All null for a generic secret. `recent` is a JSON array of version ids.
ALTER TABLE secrets ADD COLUMN config TEXT COLLATE "C";
ALTER TABLE secrets ADD COLUMN automatic TEXT COLLATE "C";
ALTER TABLE secrets ADD COLUMN rotation_interval BIGINT;
ALTER TABLE secrets ADD COLUMN last_rotation BIGINT;
ALTER TABLE secrets ADD COLUMN next_rotation BIGINT;
ALTER TABLE secrets ADD COLUMN recent TEXT COLLATE "C";
CREATE INDEX secrets_rotate ON secrets (next_rotation, account, name) WHERE automatic = 'Enabled';

CREATE TABLE targets (
    account  TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    engine   TEXT COLLATE "C" NOT NULL,
    host     TEXT COLLATE "C" NOT NULL,
    port     BIGINT NOT NULL,
    tls      TEXT COLLATE "C" NOT NULL,
    ca       TEXT COLLATE "C",
    host_key TEXT COLLATE "C",
    admin    TEXT COLLATE "C" NOT NULL,
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

-- The candidate is null if nothing new is made; it is sealed as a secret's version is.
CREATE TABLE rotations (
    account         TEXT COLLATE "C" NOT NULL,
    secret          TEXT COLLATE "C" NOT NULL,
    version         TEXT COLLATE "C" NOT NULL,
    id              TEXT COLLATE "C",
    created         BIGINT,
    data_type       TEXT COLLATE "C",
    key_version     TEXT COLLATE "C",
    sealed_data_key BYTEA,
    sealed_value    BYTEA,
    step            TEXT COLLATE "C" NOT NULL,
    started         BIGINT NOT NULL,
    tries           BIGINT NOT NULL,
    next_try        BIGINT NOT NULL,
    held_until      BIGINT,
    dying           TEXT COLLATE "C",
    PRIMARY KEY (account, secret),
    FOREIGN KEY (account, secret) REFERENCES secrets (account, name) ON DELETE CASCADE
);
CREATE INDEX rotations_due ON rotations (next_try, account, secret);
