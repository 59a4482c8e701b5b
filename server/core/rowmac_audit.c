/* Row authentication of the tables that prove something: the audit log's own, and the keys that sign. */
#include "server/core/rowmac.h"
#include "server/core/rowmac_row.h"

static void put_audit_segment(struct row *row, const struct store_audit_segment *s)
{
	row_begin(row, "audit_segment");
	wire_put_lp_u64(&row->out, s->first);
	wire_put_lp_u64(&row->out, s->last);
	wire_put_lp(&row->out, s->previous, sizeof(s->previous));
	wire_put_lp(&row->out, s->hash, sizeof(s->hash));
	wire_put_lp_u64(&row->out, (uint64_t)s->created_ms);
}

bool rowmac_seal_audit_segment(const struct vault *vault, struct store_audit_segment *row)
{
	struct row r;

	put_audit_segment(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_audit_segment(const struct vault *vault, const struct store_audit_segment *row)
{
	struct row r;

	if (row->first == 0 || row->first > row->last)
		return false;
	put_audit_segment(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_audit_run(struct row *row, const struct store_audit_run *r)
{
	row_begin(row, "audit_run");
	wire_put_lp_u64(&row->out, r->first);
	wire_put_lp_u64(&row->out, r->last);
	wire_put_lp_u64(&row->out, r->entries);
}

bool rowmac_seal_audit_run(const struct vault *vault, struct store_audit_run *row)
{
	struct row r;

	put_audit_run(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_audit_run(const struct vault *vault, const struct store_audit_run *row)
{
	struct row r;

	if (row->first == 0 || row->first > row->last)
		return false;
	put_audit_run(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_audit_page(struct row *row, const struct store_audit_page *p)
{
	row_begin(row, "audit_run_page");
	wire_put_lp_u64(&row->out, p->first);
	wire_put_lp_u64(&row->out, p->last);
	wire_put_lp(&row->out, p->low, sizeof(p->low));
	wire_put_lp(&row->out, p->high, sizeof(p->high));
	wire_put_lp(&row->out, p->entries.data, p->entries.size);
}

bool rowmac_seal_audit_page(const struct vault *vault, struct store_audit_page *row)
{
	struct row r;

	put_audit_page(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_audit_page(const struct vault *vault, const struct store_audit_page *row)
{
	struct row r;

	put_audit_page(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_identity(struct row *row, const struct store_identity *i)
{
	row_begin(row, "identity_key");
	wire_put_lp(&row->out, i->public_key, sizeof(i->public_key));
	wire_put_lp_u64(&row->out, i->revision);
	wire_put_lp_u64(&row->out, i->state);
	wire_put_lp_u64(&row->out, (uint64_t)i->created_ms);
	wire_put_lp_u64(&row->out, (uint64_t)i->retired_ms);
	wire_put_lp_u64(&row->out, i->last_event);
	wire_put_lp(&row->out, i->previous, sizeof(i->previous));
	wire_put_lp(&row->out, i->endorsement, sizeof(i->endorsement));
}

bool rowmac_seal_identity(const struct vault *vault, struct store_identity *row)
{
	struct row r;

	put_identity(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_identity(const struct vault *vault, const struct store_identity *row)
{
	struct row r;

	if (row->state != STORE_IDENTITY_CURRENT && row->state != STORE_IDENTITY_RETIRED)
		return false;
	put_identity(&r, row);
	return row_check(vault, &r, row->mac);
}
