-- Other accounts that the policy of a key or secret let in, and lets in no longer: each counts
-- against its instance's quota for a while after `released`. `object` is `key` or `secret`.
CREATE TABLE access_releases (
    instance TEXT NOT NULL,
    object   TEXT NOT NULL,
    name     TEXT NOT NULL,
    account  TEXT NOT NULL,
    released INTEGER NOT NULL,
    PRIMARY KEY (instance, object, name, account)
) STRICT;
CREATE INDEX access_releases_released ON access_releases (released);
