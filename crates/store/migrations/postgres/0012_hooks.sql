-- What is called to rotate generic secrets. Times are milliseconds since 1970 (UTC).

-- Either a URL and the secret that signs, or a command, one word a line.
CREATE TABLE hooks (
    account           TEXT COLLATE "C" NOT NULL,
    secret            TEXT COLLATE "C" NOT NULL,
    url               TEXT COLLATE "C",
    key               TEXT COLLATE "C",
    command           TEXT COLLATE "C",
    role              TEXT COLLATE "C" NOT NULL,
    rotation_interval BIGINT,
    last_rotation     BIGINT,
    next_rotation     BIGINT,
    created           BIGINT NOT NULL,
    updated           BIGINT NOT NULL,
    PRIMARY KEY (account, secret),
    FOREIGN KEY (account, secret) REFERENCES secrets (account, name) ON DELETE CASCADE
);
CREATE INDEX hooks_due ON hooks (next_rotation, account, secret) WHERE next_rotation IS NOT NULL;
