#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/service/cert_files.h"
#include "server/tls/local_ca.h"

enum { DAY = 86400, SLOT_TEXT = 300 };

static char directory[] = "/tmp/coffer-cert-files-XXXXXX";
static struct tls_pems one, two;

/* What was said of each slot last; "good" for NULL. */
static char said[CERT_SLOTS][SLOT_TEXT];

static const char *at(const char *name)
{
	static char paths[8][100];
	static size_t next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static void put(const char *name, const char *bytes, mode_t mode)
{
	FILE *file = fopen(at(name), "w");

	cr_assert(file && fputs(bytes, file) >= 0 && fclose(file) == 0);
	cr_assert_eq(chmod(at(name), mode), 0);
}

static void make(void)
{
	static const char *const NAMES[] = {"records.example"};

	cr_assert(mkdtemp(directory));
	cr_assert_eq(tls_local_ca_make(&one), TLS_OK);
	cr_assert_eq(tls_local_leaf_make(&one, NAMES, 1, DAY), TLS_OK);
	cr_assert_eq(tls_local_ca_make(&two), TLS_OK);
	cr_assert_eq(tls_local_leaf_make(&two, NAMES, 1, DAY), TLS_OK);
	put("one.pem", one.leaf_cert, 0644);
	put("one.key", one.leaf_key, 0600);
	put("two.pem", two.leaf_cert, 0644);
	put("two.key", two.leaf_key, 0600);
	put("ca.pem", one.ca_cert, 0644);
	put("garbage", "neither this nor that", 0600);
}

static void drop(void)
{
	char command[100];

	tls_pems_done(&one);
	tls_pems_done(&two);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(cert_files, .init = make, .fini = drop);

static void judge(void *arg, unsigned slot, const char *line)
{
	(void)arg;
	cr_assert_lt(slot, CERT_SLOTS);
	snprintf(said[slot], SLOT_TEXT, "%s", line ? line : "good");
}

static struct cert_files *open_files(struct cert_files_options options)
{
	struct cert_files *files = NULL;
	char error[300] = "";

	options.certs = options.certs ? options.certs : "";
	options.keys = options.keys ? options.keys : "";
	options.staples = options.staples ? options.staples : "";
	options.client_ca = options.client_ca ? options.client_ca : "";
	options.client_crl = options.client_crl ? options.client_crl : "";
	if (cert_files_new(&options, &files, error, sizeof(error)))
		return files;
	snprintf(said[0], SLOT_TEXT, "%s", error);
	return NULL;
}

static bool read_files(struct cert_files *files, const struct cert_texts *current, bool any_date,
		       struct cert_texts *ret_fresh)
{
	memset(said, 0, sizeof(said));
	return cert_files_read(files, current, any_date, judge, NULL, ret_fresh);
}

Test(cert_files, lists_go_together)
{
	static const struct {
		struct cert_files_options options;
		const char *words;
	} wrong[] = {
		{{.certs = "a,b", .keys = "a"}, "as many files"},
		{{.keys = "a"}, "as many files"},
		{{.certs = "a", .keys = "a", .staples = "a,b"}, "--tls-ocsp must name"},
		{{.staples = "a"}, "--tls-ocsp must name"},
		{{.certs = "a,b,c,d,e", .keys = "a,b,c,d,e"}, "4 files at most"},
		{{.client_crl = "a"}, "without --client-ca"},
	};
	struct cert_files *files;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_null(open_files(wrong[i].options));
		cr_expect(strstr(said[0], wrong[i].words), "%s", said[0]);
	}
	files = open_files((struct cert_files_options){.certs = "a,b", .keys = "c,d"});
	cr_assert(files);
	cr_expect_eq(cert_files_pairs(files), 2);
	cr_expect_str_eq(cert_files_first(files), "a");
	cert_files_free(files);
	files = open_files((struct cert_files_options){.certs = ""});
	cr_assert(files);
	cr_expect_eq(cert_files_pairs(files), 0);
	cr_expect_null(cert_files_first(files));
	cr_expect_eq(cert_files_look(files), WATCHED_SAME);
	cert_files_free(files);
	cert_files_free(NULL);
}

Test(cert_files, what_is_good_and_new_is_fresh_and_what_is_known_is_not)
{
	struct cert_texts current = {.pair_count = 0}, fresh;
	struct cert_files *files = open_files(
		(struct cert_files_options){.certs = at("one.pem"), .keys = at("one.key"), .client_ca = at("ca.pem")});

	cr_assert(files);
	cr_expect_neq(cert_files_look(files), WATCHED_SAME);
	cr_expect(read_files(files, &current, false, &fresh));
	cr_expect_eq(cert_files_look(files), WATCHED_SAME);
	cr_expect_str_eq(said[CERT_SLOT_PAIR], "good");
	cr_expect_str_eq(said[CERT_SLOT_CLIENTS], "good");
	cr_expect_str_eq(said[CERT_SLOT_STAPLE], "");
	cr_expect_str_eq(fresh.pairs[0].chain.bytes, one.leaf_cert);
	cr_expect_str_eq(fresh.pairs[0].key.bytes, one.leaf_key);
	cr_expect(fresh.pairs[0].key.secret);
	cr_expect_str_eq(fresh.client_ca.bytes, one.ca_cert);
	cert_texts_move(&current, &fresh);

	cr_expect(read_files(files, &current, false, &fresh));
	cr_expect_str_eq(said[CERT_SLOT_PAIR], "good");
	cr_expect_null(fresh.pairs[0].chain.bytes);
	cr_expect_null(fresh.client_ca.bytes);

	put("one.pem", two.leaf_cert, 0644);
	put("one.key", two.leaf_key, 0600);
	cr_expect(read_files(files, &current, false, &fresh));
	cr_expect_str_eq(fresh.pairs[0].chain.bytes, two.leaf_cert);
	cert_texts_done(&fresh);
	cert_texts_done(&current);
	cert_files_free(files);
}

Test(cert_files, one_bad_pair_leaves_the_other_alone)
{
	struct cert_texts current = {.pair_count = 0}, fresh;
	char certs[250], keys[250];
	struct cert_files *files;

	snprintf(certs, sizeof(certs), "%s,%s", at("one.pem"), at("two.pem"));
	snprintf(keys, sizeof(keys), "%s,%s", at("two.key"), at("two.key"));
	files = open_files((struct cert_files_options){.certs = certs, .keys = keys});
	cr_assert(files);
	cr_expect_not(read_files(files, &current, false, &fresh));
	cr_expect(strstr(said[CERT_SLOT_PAIR], "the key is not that of the certificate"), "%s", said[CERT_SLOT_PAIR]);
	cr_expect(strstr(said[CERT_SLOT_PAIR], "one.pem") && strstr(said[CERT_SLOT_PAIR], "two.key"));
	cr_expect_str_eq(said[CERT_SLOT_PAIR + 1], "good");
	cr_expect_null(fresh.pairs[0].chain.bytes);
	cr_expect_str_eq(fresh.pairs[1].chain.bytes, two.leaf_cert);
	cert_texts_done(&fresh);
	cert_files_free(files);
}

Test(cert_files, each_fault_names_its_file_and_shows_nothing_of_it)
{
	static const struct {
		const char *cert, *key, *name, *words;
	} cases[] = {
		{"garbage", "one.key", "garbage", "there is no chain of PEM certificates in it"},
		{"one.pem", "garbage", "garbage", "there is no PEM key in it that can be served"},
		{"nowhere", "one.key", "nowhere", "No such file"},
		{"one.pem", "nowhere", "nowhere", "No such file"},
	};
	const struct cert_texts current = {.pair_count = 0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cert_files *files =
			open_files((struct cert_files_options){.certs = at(cases[i].cert), .keys = at(cases[i].key)});
		struct cert_texts fresh;

		cr_assert(files);
		cr_expect_not(read_files(files, &current, true, &fresh));
		cr_expect(strstr(said[0], cases[i].words) && strstr(said[0], cases[i].name), "%s", said[0]);
		cr_expect_not(strstr(said[0], "neither"));
		cert_texts_done(&fresh);
		cert_files_free(files);
	}
}

Test(cert_files, a_date_that_is_over_counts_only_for_what_is_new)
{
	struct cert_texts current = {.pair_count = 0}, fresh;
	struct cert_files *files;

	cr_assert_eq(tls_local_leaf_make(&one, NULL, 0, -60), TLS_OK);
	put("one.pem", one.leaf_cert, 0644);
	put("one.key", one.leaf_key, 0600);
	files = open_files((struct cert_files_options){.certs = at("one.pem"), .keys = at("one.key")});
	cr_assert(files);
	cr_expect_not(read_files(files, &current, false, &fresh));
	cr_expect(strstr(said[0], "the certificate has expired"), "%s", said[0]);
	cr_expect_null(fresh.pairs[0].chain.bytes);
	cert_texts_done(&fresh);
	/* At a start it is taken, and told. */
	cr_expect(read_files(files, &current, true, &fresh));
	cr_expect(strstr(said[0], "the certificate has expired"), "%s", said[0]);
	cr_expect_str_eq(fresh.pairs[0].chain.bytes, one.leaf_cert);
	cert_texts_move(&current, &fresh);
	cr_expect(read_files(files, &current, false, &fresh));
	cr_expect_str_eq(said[0], "good");
	cert_texts_done(&fresh);
	cert_texts_done(&current);
	cert_files_free(files);
}

Test(cert_files, a_bad_staple_or_client_ca_is_told_by_its_slot)
{
	struct cert_texts current = {.pair_count = 0}, fresh;
	struct cert_files *files = open_files((struct cert_files_options){.certs = at("one.pem"),
									  .keys = at("one.key"),
									  .staples = at("garbage"),
									  .client_ca = at("ca.pem"),
									  .client_crl = at("garbage")});

	cr_assert(files);
	cr_expect_not(read_files(files, &current, false, &fresh));
	cr_expect_str_eq(said[CERT_SLOT_PAIR], "good");
	cr_expect(strstr(said[CERT_SLOT_STAPLE], "it is no OCSP response"), "%s", said[CERT_SLOT_STAPLE]);
	cr_expect(strstr(said[CERT_SLOT_CLIENTS], "garbage: there is no CRL in it"), "%s", said[CERT_SLOT_CLIENTS]);
	cr_expect_null(fresh.pairs[0].staple.bytes);
	cr_expect_null(fresh.client_ca.bytes);
	cr_expect_str_eq(fresh.pairs[0].chain.bytes, one.leaf_cert);
	cert_texts_done(&fresh);
	cert_files_free(files);
}
