-- Identities: what RAM and STS keep. Times are milliseconds since 1970 (UTC).

ALTER TABLE users ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN mobile_phone TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN comments TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN last_login INTEGER;
UPDATE users SET updated = created;

ALTER TABLE access_keys ADD COLUMN last_used INTEGER;

CREATE TABLE policy_versions (
    account  TEXT NOT NULL,
    policy   TEXT NOT NULL,
    number   INTEGER NOT NULL,
    document TEXT NOT NULL,
    created  INTEGER NOT NULL,
    PRIMARY KEY (account, policy, number),
    FOREIGN KEY (account, policy) REFERENCES policies (account, name) ON DELETE CASCADE
) STRICT;
INSERT INTO policy_versions (account, policy, number, document, created)
    SELECT account, name, 1, document, created FROM policies;
ALTER TABLE policies DROP COLUMN document;
ALTER TABLE policies ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE policies ADD COLUMN default_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE policies ADD COLUMN last_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE policies ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
UPDATE policies SET updated = created;

-- `holder` is a user, a group or a role: `holder_kind` says which. Who removes one removes its rows.
CREATE TABLE held_policies (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT NOT NULL,
    holder_kind TEXT NOT NULL,
    holder      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    policy      TEXT NOT NULL,
    attached    INTEGER NOT NULL,
    UNIQUE (account, holder_kind, holder, kind, policy)
) STRICT;
CREATE INDEX held_policies_policy ON held_policies (account, kind, policy);
INSERT INTO held_policies (account, holder_kind, holder, kind, policy, attached)
    SELECT a.account, 'User', a.user_name, a.kind, a.policy, u.created
    FROM attachments a JOIN users u ON u.account = a.account AND u.name = a.user_name
    ORDER BY a.number;
DROP TABLE attachments;

CREATE TABLE user_groups (
    account  TEXT NOT NULL,
    name     TEXT NOT NULL,
    id       TEXT NOT NULL,
    comments TEXT NOT NULL,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;

CREATE TABLE group_members (
    account    TEXT NOT NULL,
    group_name TEXT NOT NULL,
    user_name  TEXT NOT NULL,
    joined     INTEGER NOT NULL,
    PRIMARY KEY (account, group_name, user_name),
    FOREIGN KEY (account, group_name) REFERENCES user_groups (account, name) ON DELETE CASCADE,
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX group_members_user ON group_members (account, user_name);

CREATE TABLE roles (
    account       TEXT NOT NULL,
    name          TEXT NOT NULL,
    id            TEXT NOT NULL,
    description   TEXT NOT NULL,
    trust         TEXT NOT NULL,
    max_session   INTEGER NOT NULL,
    console_login INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;

-- `past` holds the hashes of passwords before, newest first, with line feeds between them.
CREATE TABLE login_profiles (
    account        TEXT NOT NULL,
    user_name      TEXT NOT NULL,
    password       TEXT NOT NULL,
    past           TEXT NOT NULL,
    reset_required INTEGER NOT NULL,
    mfa_required   INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    changed        INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    failed_at      INTEGER,
    PRIMARY KEY (account, user_name),
    FOREIGN KEY (account, user_name) REFERENCES users (account, name) ON DELETE CASCADE
) STRICT;

CREATE TABLE mfa_devices (
    account   TEXT NOT NULL,
    name      TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    created   INTEGER NOT NULL,
    user_name TEXT,
    bound     INTEGER,
    last_step INTEGER NOT NULL,
    PRIMARY KEY (account, name),
    UNIQUE (account, user_name)
) STRICT;

CREATE TABLE login_rules (
    account            TEXT NOT NULL PRIMARY KEY,
    alias              TEXT UNIQUE,
    minimum_length     INTEGER NOT NULL,
    lowercase          INTEGER NOT NULL,
    uppercase          INTEGER NOT NULL,
    numbers            INTEGER NOT NULL,
    symbols            INTEGER NOT NULL,
    hard_expiry        INTEGER NOT NULL,
    max_age            INTEGER NOT NULL,
    reuse_prevention   INTEGER NOT NULL,
    max_attempts       INTEGER NOT NULL,
    change_password    INTEGER NOT NULL,
    manage_access_keys INTEGER NOT NULL,
    manage_mfa_devices INTEGER NOT NULL,
    manage_public_keys INTEGER NOT NULL,
    save_mfa_ticket    INTEGER NOT NULL,
    login_networks     TEXT NOT NULL,
    login_hours        INTEGER NOT NULL
) STRICT;

-- `client_ids`: with line feeds between them.
CREATE TABLE oidc_providers (
    account     TEXT NOT NULL,
    name        TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    client_ids  TEXT NOT NULL,
    jwks        TEXT,
    description TEXT NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT;
