-- Identities: what RAM and STS keep. Times are milliseconds since 1970 (UTC).

ALTER TABLE users ADD COLUMN display_name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN mobile_phone TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN comments TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN last_login BIGINT;
UPDATE users SET updated = created;

ALTER TABLE access_keys ADD COLUMN last_used BIGINT;

CREATE TABLE policy_versions (
    account  TEXT COLLATE "C" NOT NULL,
    policy   TEXT COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    created  BIGINT NOT NULL,
    PRIMARY KEY (account, policy, number),
    FOREIGN KEY (account, policy) REFERENCES policies (account, name) ON DELETE CASCADE
);
INSERT INTO policy_versions (account, policy, number, document, created)
    SELECT account, name, 1, document, created FROM policies;
ALTER TABLE policies DROP COLUMN document;
ALTER TABLE policies ADD COLUMN description TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE policies ADD COLUMN default_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE policies ADD COLUMN last_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE policies ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;
UPDATE policies SET updated = created;

-- `holder` is a user, a group or a role: `holder_kind` says which. Who removes one removes its rows.
CREATE TABLE held_policies (
    number      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account     TEXT COLLATE "C" NOT NULL,
    holder_kind TEXT COLLATE "C" NOT NULL,
    holder      TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    policy      TEXT COLLATE "C" NOT NULL,
    attached    BIGINT NOT NULL,
    UNIQUE (account, holder_kind, holder, kind, policy)
);
CREATE INDEX held_policies_policy ON held_policies (account, kind, policy);
INSERT INTO held_policies (account, holder_kind, holder, kind, policy, attached)
    SELECT a.account, 'User', a.user_name, a.kind, a.policy, u.created
    FROM attachments a JOIN users u ON u.account = a.account AND u.name = a.user_name
    ORDER BY a.number;
DROP TABLE attachments;

CREATE TABLE user_groups (
    account  TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    comments TEXT COLLATE "C" NOT NULL,
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

CREATE TABLE group_members (
    account    TEXT COLLATE "C" NOT NULL,
    group_name TEXT COLLATE "C" NOT NULL,
    user_name  TEXT COLLATE "C" NOT NULL,
    joined     BIGINT NOT NULL,
    PRIMARY KEY (account, group_name, user_name),
    FOREIGN KEY (account, group_name) REFERENCES user_groups (account, name) ON DELETE CASCADE,
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
);
CREATE INDEX group_members_user ON group_members (account, user_name);

CREATE TABLE roles (
    account       TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    description   TEXT COLLATE "C" NOT NULL,
    trust         TEXT COLLATE "C" NOT NULL,
    max_session   BIGINT NOT NULL,
    console_login BOOLEAN NOT NULL,
    created       BIGINT NOT NULL,
    updated       BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

-- `past` holds the hashes of passwords before, newest first, with line feeds between them.
CREATE TABLE login_profiles (
    account        TEXT COLLATE "C" NOT NULL,
    user_name      TEXT COLLATE "C" NOT NULL,
    password       TEXT COLLATE "C" NOT NULL,
    past           TEXT COLLATE "C" NOT NULL,
    reset_required BOOLEAN NOT NULL,
    mfa_required   BOOLEAN NOT NULL,
    created        BIGINT NOT NULL,
    changed        BIGINT NOT NULL,
    failures       BIGINT NOT NULL,
    failed_at      BIGINT,
    PRIMARY KEY (account, user_name),
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
);

CREATE TABLE mfa_devices (
    account   TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    sealed    BYTEA NOT NULL,
    created   BIGINT NOT NULL,
    user_name TEXT COLLATE "C",
    bound     BIGINT,
    last_step BIGINT NOT NULL,
    PRIMARY KEY (account, name),
    UNIQUE (account, user_name)
);

CREATE TABLE login_rules (
    account            TEXT COLLATE "C" PRIMARY KEY,
    alias              TEXT COLLATE "C" UNIQUE,
    minimum_length     BIGINT NOT NULL,
    lowercase          BOOLEAN NOT NULL,
    uppercase          BOOLEAN NOT NULL,
    numbers            BOOLEAN NOT NULL,
    symbols            BOOLEAN NOT NULL,
    hard_expiry        BOOLEAN NOT NULL,
    max_age            BIGINT NOT NULL,
    reuse_prevention   BIGINT NOT NULL,
    max_attempts       BIGINT NOT NULL,
    change_password    BOOLEAN NOT NULL,
    manage_access_keys BOOLEAN NOT NULL,
    manage_mfa_devices BOOLEAN NOT NULL,
    manage_public_keys BOOLEAN NOT NULL,
    save_mfa_ticket    BOOLEAN NOT NULL,
    login_networks     TEXT COLLATE "C" NOT NULL,
    login_hours        BIGINT NOT NULL
);

-- `client_ids`: with line feeds between them.
CREATE TABLE oidc_providers (
    account     TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    issuer      TEXT COLLATE "C" NOT NULL,
    client_ids  TEXT COLLATE "C" NOT NULL,
    jwks        TEXT COLLATE "C",
    description TEXT COLLATE "C" NOT NULL,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);
