-- What fixtures/datasets/ecommerce lacks of the kinds of object that a table can have, or that can stand on one.
COMMENT ON TABLE shop.orders IS 'What was ordered; by the day.';
COMMENT ON COLUMN shop.orders.total IS 'It''s the sum of the items.';
COMMENT ON INDEX shop.orders_customer IS 'For a customer''s own page.';
COMMENT ON CONSTRAINT orders_customer ON shop.orders IS 'Orders outlive nobody.';
COMMENT ON TRIGGER orders_counted ON shop.orders IS 'Counts.';
COMMENT ON STATISTICS shop.orders_by_customer IS 'Customers come in seasons.';
ALTER STATISTICS shop.orders_by_customer SET STATISTICS 300;
ALTER TABLE shop.orders ALTER COLUMN customer_id SET STATISTICS 500;
ALTER TABLE shop.orders ALTER COLUMN notes SET COMPRESSION pglz;
ALTER TABLE shop.orders DISABLE TRIGGER orders_audited;
ALTER TABLE shop.orders_2025_h1 SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE shop.orders_2025_h1 ALTER COLUMN notes SET STORAGE EXTERNAL;
ALTER TABLE shop.orders_2025_h2 REPLICA IDENTITY FULL;
CLUSTER shop.payments USING payments_pkey;
CREATE UNIQUE INDEX payments_identity ON shop.payments (payment_id, amount);
ALTER TABLE shop.payments REPLICA IDENTITY USING INDEX payments_identity;
ALTER TABLE shop.orders OWNER TO lifeboat_owner;
ALTER TABLE shop.orders_other OWNER TO lifeboat_owner;
GRANT UPDATE (status), SELECT (order_id) ON shop.orders TO lifeboat_reader WITH GRANT OPTION;
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.orders FORCE ROW LEVEL SECURITY;
CREATE POLICY orders_by_clerks ON shop.orders AS RESTRICTIVE FOR UPDATE TO lifeboat_clerk
    USING (status <> 'cancelled') WITH CHECK (total >= 0);
COMMENT ON POLICY orders_by_clerks ON shop.orders IS 'Cancelled is cancelled.';
CREATE RULE orders_stay AS ON DELETE TO shop.orders WHERE old.status = 'shipped' DO INSTEAD NOTHING;
ALTER SEQUENCE shop.order_numbers INCREMENT 3 CACHE 1;

-- What of others stands on shop.orders.
CREATE VIEW shop.late_balances WITH (security_barrier = true) AS
SELECT b.*, b.total - b.paid AS due FROM shop.order_balances AS b WHERE b.status IN ('placed', 'paid');
ALTER VIEW shop.late_balances ALTER COLUMN due SET DEFAULT 0;
COMMENT ON COLUMN shop.late_balances.due IS 'Still to come.';
GRANT SELECT ON shop.late_balances TO lifeboat_clerk;
CREATE FUNCTION shop.no_balances() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER balances_stay INSTEAD OF UPDATE ON shop.late_balances FOR EACH ROW EXECUTE FUNCTION shop.no_balances();
CREATE VIEW inventory.sales AS SELECT s.month, sum(s.orders) AS orders FROM shop.sales_by_month AS s GROUP BY 1;
COMMENT ON MATERIALIZED VIEW shop.sales_by_month IS 'Refreshed at night.';
ALTER MATERIALIZED VIEW shop.sales_by_month ALTER COLUMN orders SET STATISTICS 50;
CREATE STATISTICS shop.sales_shape (ndistinct) ON month, status FROM shop.sales_by_month;
CREATE MATERIALIZED VIEW audit.empty_sales AS SELECT * FROM inventory.sales WITH NO DATA;
CREATE TABLE audit.order_drafts (order_id bigint NOT NULL DEFAULT nextval('shop.order_numbers'), words text);
ALTER TABLE audit.order_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY events_of_orders ON audit.order_events FOR SELECT TO lifeboat_reader
    USING (EXISTS (SELECT FROM shop.orders AS o WHERE o.order_id = order_events.order_id AND o.status IN ('paid', 'placed')));
COMMENT ON POLICY events_of_orders ON audit.order_events IS 'Only what can still change.';
CREATE RULE drafts_known AS ON UPDATE TO audit.order_drafts
    WHERE EXISTS (SELECT FROM shop.orders AS o WHERE o.order_id = new.order_id) DO INSTEAD NOTHING;
ALTER TABLE audit.order_drafts DISABLE RULE drafts_known;
COMMENT ON CONSTRAINT order_items_order ON shop.order_items IS 'Items go with their order.';
CREATE PUBLICATION orders_out FOR TABLE shop.orders (order_id, placed_on, status) WHERE (order_id > 10 AND placed_on > '2025-01-02'),
    shop.products WITH (publish = 'insert', publish_via_partition_root = true);

-- Inheritance of the older kind, a key that is generated always, a sequence by name only, odd names.
CREATE TABLE inventory."Odd ""Place" (
    "the key" integer GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10) PRIMARY KEY,
    note text CHECK (note <> ''),
    doubled integer GENERATED ALWAYS AS ("the key" * 2) STORED);
INSERT INTO inventory."Odd ""Place" (note) SELECT 'place ' || n FROM generate_series(1, 20) AS n;
CREATE TABLE inventory.places_abroad (country text) INHERITS (inventory."Odd ""Place");
INSERT INTO inventory.places_abroad ("the key", note, country) VALUES (1, 'far', 'Norway');
