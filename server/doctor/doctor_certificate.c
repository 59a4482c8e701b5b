/* What the server shows to its clients: whether it is good, for how long, and for which names. */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/secret.h"
#include "server/core/clock.h"
#include "server/core/files.h"
#include "server/core/human.h"
#include "server/doctor/doctor.h"
#include "server/service/cert_files.h"
#include "server/service/front.h"
#include "server/tls/certificate.h"
#include "server/tls/local_ca.h"

enum { DAY_SECONDS = 86400, LEFT_LOW = 14 * DAY_SECONDS, CA_LEFT_LOW = 365 * DAY_SECONDS };

/* ---- one certificate ---- */

static void judge_dates(struct doctor *doctor, const char *what, const struct tls_certificate *certificate, int64_t low)
{
	const int64_t left = (certificate->not_after_ms - clock_unix_ms()) / 1000;
	char span[HUMAN_TEXT_MAX], until[25];

	clock_rfc3339(certificate->not_after_ms, until);
	human_span(left > 0 ? (uint64_t)left : 0, span);
	if (certificate->not_before_ms > clock_unix_ms())
		doctor_tell(doctor, DOCTOR_FAIL, "look at the clock, or wait", "%s is not valid yet", what);
	else if (left <= 0)
		doctor_tell(doctor, DOCTOR_FAIL, "renew it: clients refuse it", "%s has expired at %s", what, until);
	else if (left < low)
		doctor_tell(doctor, DOCTOR_WARN, "renew it, or see why that did not happen by itself",
			    "%s ends in %s, at %s", what, span, until);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "%s is good for %s, until %s", what, span, until);
}

static bool covers(const char *name, const char *host, size_t size)
{
	const char *rest = memchr(host, '.', size);

	if (strlen(name) == size && strncasecmp(name, host, size) == 0)
		return true;
	return strncmp(name, "*.", 2) == 0 && rest && strlen(name + 1) == size - (size_t)(rest - host) &&
	       strncasecmp(name + 1, rest, strlen(name + 1)) == 0;
}

static bool is_for(const struct tls_certificate *certificate, const char *host, size_t size)
{
	for (size_t i = 0; i < certificate->count; i++)
		if (covers(certificate->names[i], host, size))
			return true;
	return false;
}

/* The hosts of --origin. */
static void judge_names(struct doctor *doctor, const char *what, const struct tls_certificate *certificate)
{
	static const char SCHEME[] = "https://";

	for (const char *at = doctor->settings->origin; (at = strstr(at, SCHEME));) {
		const char *host = at + sizeof(SCHEME) - 1;
		const bool bracket = host[0] == '[';
		const size_t size = bracket ? strcspn(++host, "]") : strcspn(host, ":,");

		if (!is_for(certificate, host, size))
			doctor_tell(doctor, DOCTOR_WARN, "clients that dial that origin refuse it",
				    "%s is not for %.*s, which --origin names", what, (int)size, host);
		at = host + size;
	}
}

/* ---- where it comes from ---- */

static void hear(void *arg, unsigned slot, const char *line)
{
	struct doctor *doctor = arg;

	if (!line)
		return;
	if (slot >= CERT_SLOT_STAPLE && slot < CERT_SLOT_CLIENTS)
		doctor_tell(doctor, DOCTOR_WARN, "it is left out", "%s", line);
	else
		doctor_tell(doctor, DOCTOR_FAIL, "coffer serve does not start with it", "%s", line);
}

/* Of --tls-cert; and the client CAs, wherever the pair is from. */
static void look_at_files(struct doctor *doctor)
{
	const struct settings *set = doctor->settings;
	const struct cert_files_options options = {.certs = set->tls_cert,
						   .keys = set->tls_key,
						   .staples = set->tls_ocsp,
						   .client_ca = set->client_ca,
						   .client_crl = set->client_crl};
	struct cert_files *files = NULL;
	struct cert_texts none = {.pair_count = 0}, texts = {.pair_count = 0};
	char error[DOCTOR_TEXT_MAX];

	if (!cert_files_new(&options, &files, error, sizeof(error))) {
		doctor_tell(doctor, DOCTOR_FAIL, "coffer serve does not start so", "%s", error);
		return;
	}
	(void)cert_files_read(files, &none, true, hear, doctor, &texts); /* what is wrong was heard */
	for (size_t i = 0; i < texts.pair_count; i++) {
		struct tls_certificate certificate;
		char what[64];

		if (!texts.pairs[i].chain.bytes ||
		    tls_certificate_read(texts.pairs[i].chain.bytes, &certificate) != TLS_OK)
			continue;
		snprintf(what, sizeof(what), "certificate %zu of --tls-cert", i + 1);
		judge_dates(doctor, what, &certificate, LEFT_LOW);
		judge_names(doctor, what, &certificate);
	}
	cert_texts_done(&texts);
	cert_files_free(files);
}

/* False when it is not there, or cannot be read: the check of files tells why. */
static bool read_text(const char *path, bool secret, char **ret_text, size_t *ret_size)
{
	char error[DOCTOR_TEXT_MAX];

	return files_read(path, secret, ret_text, ret_size, &(struct files_error){error, sizeof(error)}) == CORE_OK;
}

/* key_path NULL: it is not looked at. */
static void look_at_pair(struct doctor *doctor, const char *what, const char *chain_path, const char *key_path)
{
	char *chain = NULL, *key = NULL;
	size_t chain_size = 0, key_size = 0;
	struct tls_certificate certificate;
	enum tls_status status = TLS_OK;

	if (!read_text(chain_path, false, &chain, &chain_size))
		return;
	if (tls_certificate_read(chain, &certificate) != TLS_OK)
		status = TLS_CERTIFICATE;
	else if (key_path && read_text(key_path, true, &key, &key_size))
		status = tls_pair_check(&(struct tls_pair){.chain_pem = chain, .key_pem = key});
	if (status == TLS_OK)
		judge_dates(doctor, what, &certificate, LEFT_LOW);
	else
		doctor_tell(doctor, DOCTOR_FAIL, "remove it: another is made, or asked for", "%s: %s", chain_path,
			    tls_status_text(status));
	secret_free(chain, chain_size + 1);
	if (key)
		secret_free(key, key_size + 1);
}

/* DIR/tls/acme/DIRECTORY OF THE CA/FIRST DOMAIN/cert.pem */
static void look_at_acme(struct doctor *doctor)
{
	const char *domain = doctor->settings->domain;
	char pattern[PATH_MAX];
	glob_t found = {.gl_pathc = 0};

	snprintf(pattern, sizeof(pattern), "%s/tls/acme/*/%.*s/cert.pem", doctor->settings->data,
		 (int)strcspn(domain, ","), domain);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			look_at_pair(doctor, "the certificate that ACME brought", found.gl_pathv[i], NULL);
	} else {
		doctor_tell(doctor, DOCTOR_NOTE, "the server's log says how far that is",
			    "no certificate for --domain has been brought yet");
	}
	globfree(&found);
}

void doctor_certificate(struct doctor *doctor)
{
	char chain[PATH_MAX], key[PATH_MAX];

	if (!front_has_tls(doctor->settings)) {
		doctor_tell(doctor, DOCTOR_OK, NULL, "--listen is off: the proxy has it");
		return;
	}
	if (doctor->settings->tls_cert[0] || doctor->settings->client_ca[0])
		look_at_files(doctor);
	if (doctor->settings->domain[0])
		look_at_acme(doctor);
	if (!doctor->settings->tls_cert[0] && doctor_path(doctor, "tls/server.pem", chain, sizeof(chain)) &&
	    doctor_path(doctor, "tls/server.key", key, sizeof(key)))
		look_at_pair(doctor, "the local CA's certificate", chain, key);
}

void doctor_local_ca(struct doctor *doctor)
{
	struct tls_certificate certificate = {.count = 0};
	struct tls_expiry expiry;
	char path[PATH_MAX];
	char *pem = NULL;
	size_t size = 0;

	if (!front_has_tls(doctor->settings) || doctor->settings->tls_cert[0] ||
	    !doctor_path(doctor, "tls/ca.pem", path, sizeof(path)) || !read_text(path, false, &pem, &size))
		return;
	if (tls_ca_read(pem, &expiry) == TLS_OK) {
		certificate.not_before_ms = expiry.not_before * 1000;
		certificate.not_after_ms = expiry.not_after * 1000;
		judge_dates(doctor, "the local CA", &certificate, CA_LEFT_LOW);
	} else {
		doctor_tell(doctor, DOCTOR_FAIL, "restore it: clients trust that one", "%s is no CA's certificate",
			    path);
	}
	secret_free(pem, size + 1);
}
