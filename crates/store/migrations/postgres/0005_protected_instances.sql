-- Why an instance must not be released; NULL: it may be.
ALTER TABLE instances ADD COLUMN deletion_protection TEXT;
