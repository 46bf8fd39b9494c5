CREATE TABLE IF NOT EXISTS received (
  id INTEGER PRIMARY KEY, at TEXT, path TEXT, sender TEXT, message_id TEXT, type TEXT, function TEXT, reference TEXT,
  ccrn TEXT, vehicle TEXT, recovery INTEGER, verdict TEXT, code TEXT, sha256 TEXT, size INTEGER, body BLOB);
CREATE INDEX IF NOT EXISTS received_reference ON received (type, reference);
CREATE INDEX IF NOT EXISTS received_message ON received (message_id);
CREATE TABLE IF NOT EXISTS consignment (
  ccrn TEXT PRIMARY KEY, reference TEXT UNIQUE, latest TEXT, sender TEXT, state TEXT, changed_at TEXT, items TEXT);
CREATE TABLE IF NOT EXISTS bundle (
  id INTEGER PRIMARY KEY, ccrn TEXT, vehicle TEXT, sender TEXT, state TEXT, at TEXT, earliest TEXT, reference TEXT,
  message_id TEXT);
CREATE INDEX IF NOT EXISTS bundle_ccrn ON bundle (ccrn);
CREATE INDEX IF NOT EXISTS bundle_vehicle ON bundle (vehicle);
CREATE TABLE IF NOT EXISTS notice (
  id INTEGER PRIMARY KEY, due TEXT, sender TEXT, message_id TEXT, type TEXT, reference TEXT, ccrn TEXT, vehicle TEXT,
  status TEXT, silent INTEGER, pushed INTEGER DEFAULT 0, body BLOB);
CREATE INDEX IF NOT EXISTS notice_due ON notice (sender, due, id);
CREATE INDEX IF NOT EXISTS notice_message ON notice (message_id);
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, at TEXT, kind TEXT, subject TEXT, outcome TEXT);
CREATE TABLE IF NOT EXISTS rule (id INTEGER PRIMARY KEY, body TEXT, seen INTEGER, used INTEGER);
CREATE TABLE IF NOT EXISTS callback (sender TEXT PRIMARY KEY, url TEXT);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT);
