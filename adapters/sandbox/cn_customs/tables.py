"""The sandbox's memory as SQL. Instants are microseconds since 1970 on the shared clock."""

TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, sender TEXT NOT NULL, cop_msg_id TEXT NOT NULL, type TEXT NOT NULL,
  guid TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, recovery INTEGER NOT NULL, outcome TEXT NOT NULL,
  code TEXT NOT NULL, documents INTEGER NOT NULL);
-- The book: one row per document received, refused ones too. `current` marks the one that stands for its key.
CREATE TABLE IF NOT EXISTS document (
  id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
  attempt INTEGER NOT NULL, app_type TEXT NOT NULL, guid TEXT NOT NULL, dxp TEXT NOT NULL, outcome TEXT NOT NULL,
  status TEXT NOT NULL, status_at INTEGER NOT NULL, pre_no TEXT NOT NULL, invt_no TEXT NOT NULL,
  order_ref TEXT NOT NULL,  waybill_ref TEXT NOT NULL, grp TEXT NOT NULL,
  part INTEGER NOT NULL, parts INTEGER NOT NULL, face TEXT NOT NULL,
  facts TEXT NOT NULL, quirks TEXT NOT NULL, current INTEGER NOT NULL, locked INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS document_key ON document (type, key);
CREATE INDEX IF NOT EXISTS document_order ON document (order_ref, type) WHERE order_ref <> '' AND current = 1;
CREATE INDEX IF NOT EXISTS document_waybill ON document (waybill_ref, type) WHERE waybill_ref <> '' AND current = 1;
CREATE INDEX IF NOT EXISTS document_group ON document (type, grp) WHERE grp <> '';
CREATE INDEX IF NOT EXISTS document_second ON document (id) WHERE outcome = 'duplicate';
-- Parcels that a list document (507, 509, 607) names, and when a list took effect.
CREATE TABLE IF NOT EXISTS listed (document_id INTEGER NOT NULL, waybill_ref TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS listed_document ON listed (document_id);
CREATE TABLE IF NOT EXISTS consolidated (
  waybill_ref TEXT PRIMARY KEY, bill TEXT NOT NULL, grp TEXT NOT NULL DEFAULT '',
  master_at INTEGER, arrived_at INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS consolidated_bill ON consolidated (bill);
CREATE TABLE IF NOT EXISTS arrived (bill TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
-- Receipt messages, written when they are decided, seen by the company when they are published.
CREATE TABLE IF NOT EXISTS delivery (
  id INTEGER PRIMARY KEY, due INTEGER NOT NULL, published INTEGER, dxp TEXT NOT NULL, type TEXT NOT NULL,
  status TEXT NOT NULL, receipts INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due) WHERE published IS NULL;
CREATE INDEX IF NOT EXISTS delivery_published ON delivery (dxp, published) WHERE published IS NOT NULL;
-- When an inventory was released and closed; what will happen to a document unless something comes in between.
CREATE TABLE IF NOT EXISTS passed (
  document_id INTEGER NOT NULL, status TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (document_id, status)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS todo (
  id INTEGER PRIMARY KEY, due INTEGER NOT NULL, document_id INTEGER NOT NULL, step TEXT NOT NULL, info TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS todo_due ON todo (due);
CREATE INDEX IF NOT EXISTS todo_document ON todo (document_id);
CREATE INDEX IF NOT EXISTS document_given ON document (invt_no) WHERE invt_no <> '' AND current = 1;
-- Imports: what came into the supervised place, and the books of quota, guarantee and stock. Amounts are scaled by
-- 100,000; a balance is the sum of its entries, and an entry is written once.
CREATE TABLE IF NOT EXISTS warehoused (waybill_ref TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, book TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL,
  amount INTEGER NOT NULL, cause TEXT NOT NULL, ref TEXT NOT NULL, UNIQUE (book, account, kind, cause, ref));
CREATE TABLE IF NOT EXISTS balance (
  book TEXT NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (book, account)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_cause ON entry (cause);
CREATE TABLE IF NOT EXISTS buyer (account TEXT PRIMARY KEY, shown TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rate (gcode TEXT NOT NULL, since TEXT NOT NULL, duty TEXT NOT NULL, vat TEXT NOT NULL,
  consumption TEXT NOT NULL, PRIMARY KEY (gcode, since)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bill (
  tax_no TEXT PRIMARY KEY, invt_no TEXT NOT NULL, document_id INTEGER NOT NULL, at INTEGER NOT NULL,
  status TEXT NOT NULL, status_at INTEGER NOT NULL,
  duty INTEGER NOT NULL, vat INTEGER NOT NULL, consumption INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bill_invt ON bill (invt_no);
-- Applications: what was sent back of an inventory, and the inventories that a summary took up.
CREATE TABLE IF NOT EXISTS returned (
  document_id INTEGER NOT NULL, invt_no TEXT NOT NULL, gnum TEXT NOT NULL, qty INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS returned_invt ON returned (invt_no);
CREATE TABLE IF NOT EXISTS summed (invt_no TEXT PRIMARY KEY, sum_no TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rule (
  id INTEGER PRIMARY KEY, body TEXT NOT NULL, seen INTEGER NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS callback (dxp TEXT PRIMARY KEY, url TEXT NOT NULL, pushed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
"""
