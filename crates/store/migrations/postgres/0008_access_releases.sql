-- Other accounts that the policy of a key or secret let in, and lets in no longer: each counts
-- against its instance's quota for a while after `released`. `object` is `key` or `secret`.
CREATE TABLE access_releases (
    instance TEXT COLLATE "C" NOT NULL,
    object   TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    released BIGINT NOT NULL,
    PRIMARY KEY (instance, object, name, account)
);
CREATE INDEX access_releases_released ON access_releases (released);
