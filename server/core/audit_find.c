#include "server/core/audit_find.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/audit_index.h"

struct finding {
	const struct vault *vault;
	const struct audit_wanted *wanted;
	audit_visit *each;
	void *arg;
	bool stopped; /* by `each` */
	uint64_t after;
	/* What the index says. */
	enum audit_index_kind kind;
	const uint8_t *id;
	bool distrusted;
	bool cut;	  /* there are more runs than one call searches */
	uint64_t settled; /* no event up to this is wanted but those found */
	const struct store_audit_run *run;
	struct audit_entry next; /* of the run: where to look on */
	bool run_over;
	size_t count;
	uint64_t found[AUDIT_FIND_MOST];
};

/* ---- the index ----------------------------------------------------------------------------------------------------
 */

static bool same_tag(const struct audit_entry *a, const uint8_t b[static 16])
{
	return memcmp(a->b, b, 8) == 0;
}

static void take_entries(struct finding *finding, const struct audit_entry *entries, size_t count)
{
	for (size_t i = 0; i < count && !finding->run_over && finding->count < AUDIT_FIND_MOST; i++) {
		if (memcmp(entries[i].b, finding->next.b, sizeof(entries[i].b)) < 0)
			continue;
		finding->run_over = !same_tag(&finding->next, entries[i].b);
		if (!finding->run_over)
			finding->found[finding->count++] = audit_index_sequence(entries[i].b);
	}
}

/* A page tells of all entries of its run between its bounds, and so also of those that are not there. */
static bool search_page(void *arg, const struct store_audit_page *page)
{
	struct finding *finding = arg;

	finding->distrusted = !audit_index_page_good(finding->vault, finding->run, page) ||
			      memcmp(page->low, finding->next.b, sizeof(page->low)) > 0 ||
			      memcmp(page->high, finding->next.b, sizeof(page->high)) <= 0;
	if (finding->distrusted)
		return false;
	take_entries(finding, (const struct audit_entry *)page->entries.data,
		     page->entries.size / sizeof(struct audit_entry));
	if (!same_tag(&finding->next, page->high))
		finding->run_over = true;
	else
		memcpy(finding->next.b, page->high, sizeof(finding->next.b));
	return false;
}

static enum store_status search_run(struct store_view *view, struct finding *finding)
{
	const uint64_t begin = finding->after + 1 > finding->run->first ? finding->after + 1 : finding->run->first;
	const size_t count = finding->count;

	audit_index_entry(finding->kind, finding->id, begin, &finding->next);
	finding->run_over = false;
	while (!finding->run_over && finding->count < AUDIT_FIND_MOST) {
		const struct audit_entry before = finding->next;
		enum store_status status;

		finding->distrusted = true; /* unless there is a page */
		status = store_audit_page_at(view, finding->run, finding->next.b, search_page, finding);
		/* Who stays where he is would look at the same page for ever. */
		if (!finding->run_over && finding->count < AUDIT_FIND_MOST &&
		    memcmp(&before, &finding->next, sizeof(before)) == 0)
			finding->distrusted = true;
		if (status != STORE_OK || finding->distrusted) {
			finding->count = count;
			return status;
		}
	}
	finding->settled = finding->count == AUDIT_FIND_MOST ? finding->found[AUDIT_FIND_MOST - 1] : finding->run->last;
	return STORE_OK;
}

/* In one snapshot, so that runs that are merged meanwhile stay. */
static enum core_status search_index(struct store_view *view, struct finding *finding)
{
	struct store_audit_run run;
	enum store_status status = store_view_begin(view);

	if (status != STORE_OK)
		return core_from_store(status);
	finding->settled = finding->after;
	finding->run = &run;
	for (size_t i = 0; !finding->cut; i++) {
		status = store_audit_run_from(view, finding->settled + 1, &run);
		finding->cut = status == STORE_OK && (i == AUDIT_FIND_RUNS || finding->count == AUDIT_FIND_MOST);
		if (status != STORE_OK || finding->cut)
			break;
		/* A gap ends what the index tells of: who reads on looks at each event. */
		finding->distrusted = !audit_index_run_good(finding->vault, &run) || run.first > finding->settled + 1;
		if (!finding->distrusted)
			status = search_run(view, finding);
		if (status != STORE_OK || finding->distrusted)
			break;
	}
	store_view_end(view);
	return status == STORE_NOT_FOUND ? CORE_OK : core_from_store(status);
}

/* ---- the events ---------------------------------------------------------------------------------------------------
 */

static bool is_wanted(const struct audit_wanted *wanted, const struct audit_event *event)
{
	return (!wanted->by_object || memcmp(event->object_id, wanted->object, 16) == 0) &&
	       (!wanted->by_account || memcmp(event->account_id, wanted->account, 16) == 0);
}

static bool look(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	struct finding *finding = arg;

	if (is_wanted(finding->wanted, event))
		finding->stopped = !finding->each(finding->arg, sequence, event, hash);
	return !finding->stopped;
}

/* Those that the index has found. */
static enum core_status read_found(struct store_view *view, struct finding *finding)
{
	struct audit_read_state state;
	enum core_status status = CORE_OK;
	size_t i = 0;

	audit_read_begin(view, finding->vault, &state);
	while (i < finding->count && status == CORE_OK && !finding->stopped && state.files < AUDIT_FIND_FILES) {
		uint64_t at = finding->found[i] - 1;
		size_t together = 1;

		while (i + together < finding->count && finding->found[i + together] == finding->found[i] + together)
			together++;
		status = audit_read_on(&state, &at, together, look, finding);
		if (status == CORE_OK && !finding->stopped && at != finding->found[i] + together - 1)
			status = CORE_DAMAGED; /* the index, which is authentic, tells of an event that is not there */
		if (status == CORE_OK)
			finding->after = at;
		i += together;
	}
	audit_read_end(&state);
	if (status == CORE_OK && i == finding->count && !finding->stopped)
		finding->after = finding->settled;
	return status;
}

enum core_status audit_find(struct store_view *view, const struct vault *vault, const struct audit_wanted *wanted,
			    uint64_t *after, audit_visit *each, void *arg, bool *ret_distrusted)
{
	static const uint8_t none[16];
	const bool by_object = wanted->by_object && memcmp(wanted->object, none, sizeof(none)) != 0;
	const bool by_account = wanted->by_account && memcmp(wanted->account, none, sizeof(none)) != 0;
	struct finding *finding = calloc(1, sizeof(*finding));
	enum core_status status = CORE_OK;
	bool complete = true;

	if (!finding)
		return CORE_NOMEM;
	finding->vault = vault;
	finding->wanted = wanted;
	finding->each = each;
	finding->arg = arg;
	finding->after = *after;
	if (by_object || by_account) {
		finding->kind = by_object ? AUDIT_INDEX_OBJECT : AUDIT_INDEX_ACCOUNT;
		finding->id = by_object ? wanted->object : wanted->account;
		status = search_index(view, finding);
		if (status == CORE_OK)
			status = read_found(view, finding);
		complete = finding->after == finding->settled && !finding->cut;
	}
	if (status == CORE_OK && complete && !finding->stopped)
		status = audit_read(view, vault, &finding->after, AUDIT_FIND_LOOK, look, finding);
	*after = finding->after;
	*ret_distrusted = finding->distrusted;
	free(finding);
	return status;
}
