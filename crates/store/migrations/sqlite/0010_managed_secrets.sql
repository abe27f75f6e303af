-- Managed secrets: what they know of the credential behind them, the servers these are on, and the
-- rotations that were begun. Times are milliseconds since 1970 (UTC).

-- All null for a generic secret. `recent` is a JSON array of version ids.
ALTER TABLE secrets ADD COLUMN config TEXT;
ALTER TABLE secrets ADD COLUMN automatic TEXT;
ALTER TABLE secrets ADD COLUMN rotation_interval INTEGER;
ALTER TABLE secrets ADD COLUMN last_rotation INTEGER;
ALTER TABLE secrets ADD COLUMN next_rotation INTEGER;
ALTER TABLE secrets ADD COLUMN recent TEXT;
CREATE INDEX secrets_rotate ON secrets (next_rotation, account, name) WHERE automatic = 'Enabled';

CREATE TABLE targets (
    account  TEXT NOT NULL,
    id       TEXT NOT NULL,
    engine   TEXT NOT NULL,
    host     TEXT NOT NULL,
    port     INTEGER NOT NULL,
    tls      TEXT NOT NULL,
    ca       TEXT,
    host_key TEXT,
    admin    TEXT NOT NULL,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;

-- The candidate is null if nothing new is made; it is sealed as a secret's version is.
CREATE TABLE rotations (
    account         TEXT NOT NULL,
    secret          TEXT NOT NULL,
    version         TEXT NOT NULL,
    id              TEXT,
    created         INTEGER,
    data_type       TEXT,
    key_version     TEXT,
    sealed_data_key BLOB,
    sealed_value    BLOB,
    step            TEXT NOT NULL,
    started         INTEGER NOT NULL,
    tries           INTEGER NOT NULL,
    next_try        INTEGER NOT NULL,
    held_until      INTEGER,
    dying           TEXT,
    PRIMARY KEY (account, secret),
    FOREIGN KEY (account, secret) REFERENCES secrets (account, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX rotations_due ON rotations (next_try, account, secret);
