#include "server/service/acme.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/core/clock.h"
#include "server/service/acme_files.h"
#include "server/service/acme_order.h"
#include "server/tls/acme_challenge.h"
#include "server/tls/acme_clock.h"
#include "server/tls/certificate.h"

/* The clock may be set, and the machine sleep: so it is looked at again and again. */
enum { NAP_MS = 30000, LINE = 1200 };

static const char PRODUCTION[] = "https://acme-v02.api.letsencrypt.org/directory";
static const char STAGING[] = "https://acme-staging-v02.api.letsencrypt.org/directory";

struct acme {
	struct acme_options options;
	const char *url;
	struct acme_files files;
	char *text; /* what `domains` point into */
	const char **domains;
	size_t count;
	int stop_fd, look_fd;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	char served[96];	   /* its fingerprint; "": none */
	struct acme_status status; /* under the lock; written by the thread, or before there is one */
};

__attribute__((format(printf, 2, 3))) static void tell(const struct acme *acme, const char *format, ...)
{
	char line[LINE];
	va_list args;
	int used = snprintf(line, sizeof(line), "acme: ");

	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
	va_end(args);
	acme->options.log(line);
}

/* ---- the certificate --------------------------------------------------------------------------------------------- */

static void drop_key(char *key)
{
	if (key)
		secret_wipe(key, strlen(key));
	free(key);
}

/* The first bytes of the fingerprint. */
static uint32_t number_of(const char fingerprint[static 96])
{
	unsigned b[4] = {0};

	(void)sscanf(fingerprint, "%2x:%2x:%2x:%2x:", &b[0], &b[1], &b[2], &b[3]);
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static void note_served(struct acme *acme, const struct tls_certificate *certificate, const char fingerprint[static 96])
{
	const uint32_t spread = number_of(fingerprint);

	memcpy(acme->served, fingerprint, sizeof(acme->served));
	pthread_mutex_lock(&acme->lock);
	acme->status.served = true;
	acme->status.not_before_ms = certificate->not_before_ms;
	acme->status.not_after_ms = certificate->not_after_ms;
	acme->status.renew_ms = acme_clock_due(certificate->not_before_ms, certificate->not_after_ms, spread);
	pthread_mutex_unlock(&acme->lock);
}

/* What there is to do about the pair in the files. */
enum adoption {
	SERVED,	  /* it is served now, and for all our domains */
	WANTED,	  /* there is none, or none that will do: another must be ordered */
	UNUSABLE, /* it is as it should be, but cannot be served now: another would be no better */
};

static enum tls_status install(struct acme *acme, const char *chain, const char *key)
{
	struct tls_certificate certificate;
	char fingerprint[96];
	enum tls_status status = tls_fingerprint(chain, fingerprint);

	if (status == TLS_OK && strcmp(fingerprint, acme->served) == 0)
		return TLS_OK;
	if (status == TLS_OK)
		status = tls_certificate_read(chain, &certificate);
	if (status == TLS_OK)
		status = certificates_install(acme->options.certificates, chain, key);
	if (status == TLS_OK)
		note_served(acme, &certificate, fingerprint);
	return status;
}

/* Serves the pair in the files, also while it is for some of our domains only. The error tells why it does not. */
static enum adoption adopt(struct acme *acme, struct files_error *error)
{
	char *chain = NULL, *key = NULL;
	enum adoption result;
	enum tls_status status;
	const enum core_status read = acme_files_read_pair(&acme->files, &chain, &key, error);

	if (read == CORE_NOT_FOUND)
		error->text[0] = '\0'; /* as it is before the first order */
	if (read != CORE_OK)
		return read == CORE_NOT_FOUND ? WANTED : UNUSABLE;
	status = install(acme, chain, key);
	if (status == TLS_OK) {
		result = tls_certificate_is_for(chain, acme->domains, acme->count) ? SERVED : WANTED;
	} else {
		snprintf(error->text, error->size, "%s: %s", acme->files.chain, tls_status_text(status));
		result = status == TLS_EARLY || status == TLS_NOMEM ? UNUSABLE : WANTED;
	}
	free(chain);
	drop_key(key);
	return result;
}

/* ---- attempts ---------------------------------------------------------------------------------------------------- */

static uint32_t any_number(void)
{
	uint32_t number = 0;

	/* Without randomness the clocks of several servers are merely in step. */
	if (random_nonce(&number, sizeof(number)) != CRYPTO_OK)
		number = UINT32_MAX / 2;
	return number;
}

static void say_served(struct acme *acme)
{
	struct acme_status status;
	char renew[25];

	acme_status(acme, &status);
	clock_rfc3339(status.renew_ms, renew);
	tell(acme, "the certificate for %s is to be renewed at %s", acme->domains[0], renew);
}

/* fresh: it was not served before. */
static void note_success(struct acme *acme, bool fresh)
{
	pthread_mutex_lock(&acme->lock);
	fresh = fresh || acme->status.failures > 0;
	acme->status.failures = 0;
	acme->status.error[0] = '\0';
	acme->status.tried_ms = clock_unix_ms();
	acme->status.next_ms = acme->status.renew_ms;
	pthread_mutex_unlock(&acme->lock);
	if (fresh)
		say_served(acme);
}

static void note_failure(struct acme *acme, const char *error)
{
	struct acme_status *status = &acme->status;
	char next[25], until[25];
	bool served;

	pthread_mutex_lock(&acme->lock);
	status->failures++;
	snprintf(status->error, sizeof(status->error), "%s", error);
	status->tried_ms = clock_unix_ms();
	status->next_ms =
		status->tried_ms + acme_clock_retry(status->failures, acme->options.retry_ms,
						    status->not_after_ms - status->not_before_ms, any_number());
	clock_rfc3339(status->next_ms, next);
	clock_rfc3339(status->not_after_ms, until);
	served = status->served;
	pthread_mutex_unlock(&acme->lock);
	tell(acme, "no certificate for %s: %s", acme->domains[0], error);
	if (served)
		tell(acme, "tried again at %s; what is served meanwhile is good until %s", next, until);
	else
		tell(acme, "tried again at %s; until then the certificate of the local CA is served", next);
}

static bool is_due(const struct acme *acme)
{
	return clock_unix_ms() >= acme->status.renew_ms;
}

/* Serves what an order has brought. One that is due again at once would be ordered without end. */
static bool take_issued(struct acme *acme, struct files_error *error)
{
	snprintf(error->text, error->size, "the certificate that came is not for all our domains");
	if (adopt(acme, error) != SERVED)
		return false;
	snprintf(error->text, error->size, "the certificate that came is to be renewed already: is the clock right?");
	return !is_due(acme);
}

/* False when it is time to end. */
static bool attempt(struct acme *acme)
{
	char error[LINE] = "";
	const struct acme_order order = {
		.files = &acme->files,
		.url = acme->url,
		.email = acme->options.email,
		.domains = acme->domains,
		.count = acme->count,
		.limit_ms = acme->options.limit_ms,
		.stop_fd = acme->stop_fd,
		.log = acme->options.log,
	};
	struct files_error told = {error, sizeof(error)};
	enum adoption adoption = adopt(acme, &told);
	bool fresh = false, good = adoption == SERVED;

	/* There may be one that could not be served before. */
	if (adoption == WANTED || (adoption == SERVED && is_due(acme))) {
		const enum acme_order_end end = acme_order_run(&order, error, sizeof(error));

		if (end == ACME_ORDER_STOPPED)
			return false;
		fresh = end == ACME_ORDER_ISSUED;
		good = fresh && take_issued(acme, &told);
	}
	if (good)
		note_success(acme, fresh);
	else
		note_failure(acme, error);
	return true;
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static int64_t wait_of(struct acme *acme)
{
	int64_t wait;

	pthread_mutex_lock(&acme->lock);
	wait = acme->status.next_ms - clock_unix_ms();
	pthread_mutex_unlock(&acme->lock);
	return wait < 0 ? 0 : wait > NAP_MS ? NAP_MS : wait;
}

static void *acme_main(void *arg)
{
	struct acme *acme = arg;
	struct pollfd fds[] = {{.fd = acme->stop_fd, .events = POLLIN}, {.fd = acme->look_fd, .events = POLLIN}};
	uint64_t looks;

	for (;;) {
		bool now;

		if (poll(fds, 2, (int)wait_of(acme)) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		now = fds[1].revents && read(acme->look_fd, &looks, sizeof(looks)) > 0;
		if ((now || wait_of(acme) == 0) && !attempt(acme))
			return NULL;
	}
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void add_domain(struct acme *acme, const char *domain)
{
	for (size_t i = 0; i < acme->count; i++)
		if (strcmp(acme->domains[i], domain) == 0)
			return;
	acme->domains[acme->count++] = domain;
}

static bool list_domains(struct acme *acme)
{
	size_t most = 1;
	char *rest;

	acme->text = rest = strdup(acme->options.domain);
	if (!acme->text)
		return false;
	for (char *c = acme->text; *c; c++) {
		most += *c == ',';
		*c = (char)tolower((unsigned char)*c);
	}
	acme->domains = calloc(most, sizeof(*acme->domains));
	if (!acme->domains)
		return false;
	for (char *one; (one = strsep(&rest, ",")) != NULL;)
		add_domain(acme, one);
	return true;
}

static bool choose_url(struct acme *acme, struct files_error *error)
{
	const struct acme_options *options = &acme->options;

	if (options->staging && options->directory[0]) {
		snprintf(error->text, error->size,
			 "--acme-staging and --acme-directory name two CAs: leave one of them out");
		return false;
	}
	acme->url = options->directory[0] ? options->directory : options->staging ? STAGING : PRODUCTION;
	return true;
}

static bool begin(struct acme *acme, struct files_error *error)
{
	char program[PATH_MAX];

	error->text[0] = '\0';
	(void)adopt(acme, error); /* the first look deals with what it says */
	if (acme->status.served)
		say_served(acme);
	else if (error->text[0])
		tell(acme, "%s", error->text);
	if (acme_order_find_client(program))
		return true;
	if (acme->status.served)
		tell(acme, "%s, or this one will not be renewed", ACME_ORDER_NO_CLIENT);
	else
		snprintf(error->text, error->size, "%s", ACME_ORDER_NO_CLIENT);
	return acme->status.served;
}

bool acme_new(const struct acme_options *options, struct acme **ret_acme, char *ret_error, size_t error_size)
{
	struct acme *acme = calloc(1, sizeof(*acme));
	struct files_error error = {ret_error, error_size};
	bool good = false;

	snprintf(ret_error, error_size, "out of memory or descriptors");
	if (!acme)
		return false;
	acme->options = *options;
	pthread_mutex_init(&acme->lock, NULL);
	acme->status.next_ms = INT64_MAX; /* until it is told to look */
	acme->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	acme->look_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (acme->stop_fd >= 0 && acme->look_fd >= 0 && list_domains(acme) && choose_url(acme, &error))
		good = acme_files_init(home_path(options->home), acme->url, acme->domains[0], &acme->files, &error) ==
			       CORE_OK &&
		       begin(acme, &error);
	if (!good) {
		acme_free(acme);
		return false;
	}
	*ret_acme = acme;
	return true;
}

bool acme_start(struct acme *acme)
{
	acme->running = pthread_create(&acme->thread, NULL, acme_main, acme) == 0;
	return acme->running;
}

static void wake(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it wakes all the same */
}

void acme_stop(struct acme *acme)
{
	if (!acme || !acme->running)
		return;
	wake(acme->stop_fd);
	pthread_join(acme->thread, NULL);
	acme->running = false;
}

void acme_free(struct acme *acme)
{
	if (!acme)
		return;
	acme_stop(acme);
	if (acme->stop_fd >= 0)
		close(acme->stop_fd);
	if (acme->look_fd >= 0)
		close(acme->look_fd);
	acme_files_done(&acme->files);
	pthread_mutex_destroy(&acme->lock);
	free(acme->domains);
	free(acme->text);
	free(acme);
}

/* ---- what others ask --------------------------------------------------------------------------------------------- */

bool acme_proof(void *arg, const char *token, char ret_proof[static PORT80_PROOF_MAX])
{
	const struct acme *acme = arg;

	_Static_assert((int)ACME_CHALLENGE_PROOF_MAX <= (int)PORT80_PROOF_MAX, "a proof must fit");
	return acme_challenge_get(acme->files.challenges, token, ret_proof);
}

void acme_look(struct acme *acme)
{
	wake(acme->look_fd);
}

void acme_status(struct acme *acme, struct acme_status *ret_status)
{
	pthread_mutex_lock(&acme->lock);
	*ret_status = acme->status;
	pthread_mutex_unlock(&acme->lock);
}
