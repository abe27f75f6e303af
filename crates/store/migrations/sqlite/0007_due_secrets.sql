-- Secrets whose deletion date has come are found by it.
CREATE INDEX secrets_due ON secrets (delete_at, account, name);
