CREATE TABLE IF NOT EXISTS request (
  id INTEGER PRIMARY KEY, at TEXT, session TEXT, order_no TEXT, status INTEGER, answer TEXT, code TEXT);
CREATE INDEX IF NOT EXISTS request_session ON request (session, order_no);
CREATE TABLE IF NOT EXISTS upload (
  id INTEGER PRIMARY KEY, at TEXT, session TEXT, order_no TEXT, orders INTEGER, certificate TEXT, recovery INTEGER,
  code TEXT, message TEXT, signature TEXT, sha256 TEXT, size INTEGER, body BLOB);
CREATE INDEX IF NOT EXISTS upload_session ON upload (session);
CREATE TABLE IF NOT EXISTS certificate (number TEXT PRIMARY KEY, owners TEXT, der BLOB);
CREATE TABLE IF NOT EXISTS rule (id INTEGER PRIMARY KEY, body TEXT, seen INTEGER, used INTEGER);
