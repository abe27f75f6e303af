-- Nodes, how far each has followed the feed, and when it said so.
CREATE TABLE nodes (
    name TEXT NOT NULL PRIMARY KEY,
    mark INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;

-- What stands before `place` in the feed may be gone.
CREATE TABLE feed_floor (place INTEGER NOT NULL) STRICT;
INSERT INTO feed_floor (place) VALUES (0);
