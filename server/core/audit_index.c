#include "server/core/audit_index.h"

#include <string.h>

#include "server/core/rowmac.h"

enum { TAG_SIZE = 8 };
_Static_assert(sizeof(struct audit_entry) == 16, "entries stand in pages without gaps");

void audit_index_entry(enum audit_index_kind kind, const uint8_t id[static 16], uint64_t sequence,
		       struct audit_entry *ret_entry)
{
	uint8_t named[17], digest[DIGEST_SIZE];

	named[0] = (uint8_t)kind;
	memcpy(named + 1, id, 16);
	digest_sha256(named, sizeof(named), digest);
	memcpy(ret_entry->b, digest, TAG_SIZE);
	for (int i = 0; i < 8; i++)
		ret_entry->b[TAG_SIZE + i] = (uint8_t)(sequence >> (56 - 8 * i));
}

uint64_t audit_index_sequence(const uint8_t entry[static 16])
{
	uint64_t sequence = 0;

	for (int i = 0; i < 8; i++)
		sequence = sequence << 8 | entry[TAG_SIZE + i];
	return sequence;
}

size_t audit_index_entries(uint64_t sequence, const struct audit_event *event, struct audit_entry ret_entries[static 2])
{
	static const uint8_t none[16];
	size_t count = 0;

	if (memcmp(event->object_id, none, sizeof(none)) != 0)
		audit_index_entry(AUDIT_INDEX_OBJECT, event->object_id, sequence, &ret_entries[count++]);
	if (memcmp(event->account_id, none, sizeof(none)) != 0)
		audit_index_entry(AUDIT_INDEX_ACCOUNT, event->account_id, sequence, &ret_entries[count++]);
	return count;
}

bool audit_index_run_good(const struct vault *vault, const struct store_audit_run *run)
{
	const uint64_t events = run->last - run->first + 1;

	return rowmac_check_audit_run(vault, run) && (events == AUDIT_INDEX_BLOCK || events == AUDIT_INDEX_WIDE);
}

bool audit_index_page_good(const struct vault *vault, const struct store_audit_run *run,
			   const struct store_audit_page *page)
{
	return page->first == run->first && page->last == run->last &&
	       page->entries.size % sizeof(struct audit_entry) == 0 && rowmac_check_audit_page(vault, page);
}

struct walk {
	const struct vault *vault;
	const struct store_audit_run *run;
	void (*each)(void *arg, const struct audit_entry *entries, size_t count);
	void *arg;
	uint8_t high[16]; /* of the page before */
	uint64_t entries;
	bool bad;
};

static bool walk_page(void *arg, const struct store_audit_page *page)
{
	struct walk *walk = arg;

	walk->bad = !audit_index_page_good(walk->vault, walk->run, page) ||
		    memcmp(page->low, walk->high, sizeof(page->low)) != 0;
	if (walk->bad)
		return false;
	memcpy(walk->high, page->high, sizeof(walk->high));
	walk->entries += page->entries.size / sizeof(struct audit_entry);
	walk->each(walk->arg, (const struct audit_entry *)page->entries.data,
		   page->entries.size / sizeof(struct audit_entry));
	return true;
}

enum core_status audit_index_walk(struct store_view *view, const struct vault *vault, const struct store_audit_run *run,
				  void (*each)(void *arg, const struct audit_entry *entries, size_t count), void *arg)
{
	struct walk walk = {.vault = vault, .run = run, .each = each, .arg = arg};
	uint8_t end[sizeof(walk.high)];
	const enum store_status status = store_audit_page_list(view, run, walk_page, &walk);

	memset(end, 0xff, sizeof(end));
	if (status != STORE_OK)
		return core_from_store(status);
	return walk.bad || walk.entries != run->entries || memcmp(walk.high, end, sizeof(end)) != 0 ? CORE_DAMAGED
												    : CORE_OK;
}
