/*
 * What proxies tell (server/http/forwarded.h). The input: a line that is the list of trusted proxies, then lines that
 * are fields, each after a letter: F, P, H, R for X-Forwarded-For, -Proto, -Host and Forwarded. A second reader, which
 * goes through X-Forwarded-For from the right, as the rule is told, finds the same client.
 */
#include <stdlib.h>
#include <string.h>

#include "server/http/field.h"
#include "server/http/forwarded.h"
#include "tests/fuzz/fuzz.h"

enum { HOPS_MAX = 256 };

static const char LETTERS[] = "FPHR";

/* The hops of all X-Forwarded-For, in the order of coming. */
struct hops {
	char *at[HOPS_MAX];
	size_t count;
	bool too_many;
};

static void add_hops(struct hops *hops, char *value)
{
	for (char *one; (one = strsep(&value, ",")) != NULL;) {
		if (hops->count == HOPS_MAX) {
			hops->too_many = true;
			return;
		}
		one += strspn(one, " \t");
		one[strcspn(one, " \t")] = '\0';
		hops->at[hops->count++] = one;
	}
}

/* Of a hop that has passed: false for one that tells none. */
static bool address_of(char *hop, struct address *ret_address)
{
	char *colon = strchr(hop, ':');

	if (hop[0] == '[') {
		hop++;
		*strchr(hop, ']') = '\0';
	} else if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
	}
	return address_parse(hop, strlen(hop), ret_address);
}

static void check_client(const struct forwarded *f, struct hops *hops)
{
	char expected[ADDRESS_TEXT] = "";
	struct address address;

	for (size_t i = hops->count; i-- > 0;) {
		if (!address_of(hops->at[i], &address))
			break;
		address_print(&address, expected);
		if (!proxies_have(f->proxies, &address))
			break;
	}
	FUZZ_CHECK(strcmp(expected, f->client) == 0);
}

static void check_texts(const struct forwarded *f)
{
	struct address address;
	char again[ADDRESS_TEXT];

	if (f->client[0]) {
		FUZZ_CHECK(address_parse(f->client, strlen(f->client), &address));
		address_print(&address, again);
		FUZZ_CHECK(strcmp(again, f->client) == 0);
	}
	FUZZ_CHECK(strlen(f->host) <= FORWARDED_HOST_MAX && field_is_host(f->host, strlen(f->host)));
}

static void read_fields(struct forwarded *f, char *rest)
{
	static struct hops hops;

	hops = (struct hops){.count = 0};
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		const char *letter = line[0] ? strchr(LETTERS, line[0]) : NULL;
		bool before = f->malformed, good;

		if (!letter)
			continue;
		good = forwarded_add(f, (enum forwarded_field)(letter - LETTERS), line + 1, strlen(line + 1));
		FUZZ_CHECK(good == !f->malformed && !(before && good));
		if (*letter == 'F')
			add_hops(&hops, line + 1);
	}
	if (f->malformed)
		return;
	check_texts(f);
	if (!hops.too_many && !f->seen[FORWARDED_RFC7239])
		check_client(f, &hops);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text;
	const char *list = strsep(&rest, "\n");
	struct proxies proxies;
	struct forwarded f;

	if (proxies_parse(list, &proxies)) {
		forwarded_begin(&f, &proxies);
		read_fields(&f, rest);
	}
	free(text);
	return 0;
}
