#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/api/api.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/secret_input.h"
#include "server/core/audit_keeper.h"
#include "server/core/care.h"
#include "server/core/epochs.h"
#include "server/core/home.h"
#include "server/core/keyring.h"
#include "server/core/refusals.h"
#include "server/service/acme.h"
#include "server/service/certificates.h"
#include "server/service/front.h"
#include "server/service/greeting.h"
#include "server/service/metrics_port.h"
#include "server/service/origin_names.h"
#include "server/service/plain_port.h"
#include "server/service/server_url.h"
#include "server/service/watch.h"
#include "server/settings/settings.h"

/* A shred delay of 0 must not keep the thread busy. Keys are forgotten a minute late at most. */
enum { SHRED_LEAST_MS = 1000, EXPIRE_EVERY_MS = 60000 };

/* The store is opened before the api exists: its callbacks find it here. */
struct serve {
	struct settings settings;
	struct notify notify;
	struct home *home;
	struct certificates *certificates;
	struct acme *acme;
	struct workers *workers;
	struct care *care;
	struct epochs *epochs;
	struct refusals *refusals;
	struct audit_keeper *keeper;
	struct secret_input secrets[2]; /* passphrase, credential */
	struct api *_Atomic api;
	struct http_server *server;
	struct plain_port *plain_port;
	struct metrics_port *metrics_port; /* of --metrics */
	struct origin_names origins;
	int access_log;
	char error[1024];
};

static int complain(const char *text)
{
	fprintf(stderr, "coffer: %s\n", text);
	return 1;
}

static void log_line(const char *line)
{
	fprintf(stderr, "coffer: %s\n", line);
}

static void on_flush(void *arg)
{
	api_flush(((struct serve *)arg)->api);
}

static void on_notice(void *arg, const char *line)
{
	(void)arg;
	log_line(line);
}

static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static bool open_certificates(struct serve *s)
{
	const struct settings *set = &s->settings;

	return certificates_new(&(struct certificates_options){.home = s->home,
							       .listen = set->listen,
							       .host_name = set->host_name,
							       .domain = set->domain,
							       .certs = set->tls_cert,
							       .keys = set->tls_key,
							       .staples = set->tls_ocsp,
							       .client_ca = set->client_ca,
							       .client_crl = set->client_crl,
							       .least = (enum tls_least)set->tls_min,
							       .look_ms = set->tls_reload,
							       .lifetime_ms = set->leaf_lifetime,
							       .renew_ms = set->leaf_renew,
							       .log = log_line},
				&s->certificates, s->error, sizeof(s->error));
}

/*
 * "-": standard output; "off": none; else a file to append to. Again: the file that has the name now takes the place of
 * the one that was moved away; the loops go on writing to the same descriptor.
 */
static bool open_access_log(struct serve *s)
{
	const char *name = s->settings.access_log;
	int fd;

	if (strcmp(name, "off") == 0)
		return true;
	fd = strcmp(name, "-") == 0 ? dup(STDOUT_FILENO) : open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0 && s->access_log >= 0) {
		const bool replaced = dup3(fd, s->access_log, O_CLOEXEC) >= 0;

		close(fd);
		fd = replaced ? s->access_log : -1;
	}
	if (fd >= 0) {
		s->access_log = fd;
		return true;
	}
	snprintf(s->error, sizeof(s->error), "cannot write the access log %s: see --access-log", name);
	return false;
}

static bool start_http(struct serve *s)
{
	if (!front_start(&s->settings, certificates_tls(s->certificates), api_app(s->api), s->access_log, &s->server,
			 s->error, sizeof(s->error)))
		return false;
	api_set_server(s->api, s->server);
	return true;
}

static bool start_metrics_port(struct serve *s)
{
	return !s->settings.metrics[0] || metrics_port_new(s->settings.metrics, s->api, home_vault(s->home)->store,
							   &s->metrics_port, s->error, sizeof(s->error));
}

static bool open_acme(struct serve *s)
{
	const struct settings *set = &s->settings;

	if (!set->domain[0])
		return true;
	if (strcmp(set->http_redirect, "off") == 0) {
		snprintf(s->error, sizeof(s->error), "--domain needs --http-redirect, where its CA asks for proofs");
		return false;
	}
	return acme_new(&(struct acme_options){.home = s->home,
					       .certificates = s->certificates,
					       .domain = set->domain,
					       .email = set->acme_email,
					       .directory = set->acme_directory,
					       .staging = set->acme_staging,
					       .retry_ms = (int64_t)set->acme_retry,
					       .limit_ms = (int64_t)set->acme_timeout,
					       .log = log_line},
			&s->acme, s->error, sizeof(s->error));
}

/* And what asks its CA to look there. */
static bool start_plain_port(struct serve *s)
{
	const struct settings *set = &s->settings;

	if (strcmp(set->http_redirect, "off") == 0)
		return true;
	if (!plain_port_new(&(struct plain_port_options){.listen = set->http_redirect,
							 .origins = &s->origins.origins,
							 .https_port = http_server_port(s->server),
							 .head_ms = (unsigned)set->header_timeout,
							 .proof = s->acme ? acme_proof : NULL,
							 .arg = s->acme},
			    &s->plain_port, s->error, sizeof(s->error)))
		return false;
	snprintf(s->error, sizeof(s->error), "out of threads");
	return !s->acme || acme_start(s->acme);
}

/* What the KEK is protected by, in words; for the operator. */
static const char *protection(const struct serve *s)
{
	if (s->settings.ingest_only)
		return "Ingest only: records can be written here, and read nowhere but where the private KEK is.";
	if (keyring_sealed(home_vault(s->home)->ring))
		return "Sealed: records can be written, and not read until coffer unseal has run.";
	if (home_is_protected(s->home))
		return "The private KEK is locked on disk, and unsealed in memory.";
	return "No passphrase protects the KEK: whoever takes the disk can read every record.";
}

static void greet(const struct serve *s)
{
	struct tls_expiry expiry = {.subject = ""};

	if (s->certificates)
		tls_context_expiry(certificates_tls(s->certificates), &expiry);
	greeting_print(&(struct greeting){.data = home_path(s->home),
					  .listen = s->settings.listen,
					  .port = http_server_port(s->server),
					  .http = s->settings.http,
					  .http_port = http_server_plain_port(s->server),
					  .metrics_port = s->metrics_port ? metrics_port_number(s->metrics_port) : 0,
					  .plain_port = s->plain_port ? plain_port_number(s->plain_port) : 0,
					  .fingerprint = certificates_ca_fingerprint(s->certificates),
					  .chain = certificates_chain_file(s->certificates),
					  .origin = s->acme ? s->origins.origins.origins[0] : NULL,
					  .name = expiry.subject,
					  .protection = protection(s)},
		       stdout);
	fflush(stdout);
}

/* The secrets that the settings name; *ret_count of them go first in ret_secrets. */
static bool read_secrets(struct serve *s, struct home_secret ret_secrets[static 2], size_t *ret_count)
{
	struct secret_input *passphrase = &s->secrets[0], *credential = &s->secrets[1];

	*ret_count = 0;
	if (s->settings.ingest_only)
		return true;
	if (s->settings.passphrase_file[0] &&
	    !secret_input_passphrase_file(s->settings.passphrase_file, false, passphrase, s->error, sizeof(s->error)))
		return false;
	if (!secret_input_credential(s->settings.credential_file, credential, s->error, sizeof(s->error)))
		return false;
	if (passphrase->secret.bytes)
		ret_secrets[(*ret_count)++] = passphrase->secret;
	if (credential->secret.bytes)
		ret_secrets[(*ret_count)++] = credential->secret;
	return true;
}

static void forget_secrets(struct serve *s)
{
	for (size_t i = 0; i < sizeof(s->secrets) / sizeof(s->secrets[0]); i++)
		secret_input_done(&s->secrets[i]);
}

static void tell_renewal(void *arg, struct api_renewal *ret_renewal)
{
	struct acme_status status;

	acme_status(arg, &status);
	*ret_renewal = (struct api_renewal){.failures = status.failures,
					    .tried_ms = status.tried_ms,
					    .next_ms = status.next_ms == INT64_MAX ? 0 : status.next_ms};
	_Static_assert(sizeof(ret_renewal->error) == sizeof(status.error), "the error must fit");
	memcpy(ret_renewal->error, status.error, sizeof(status.error));
}

static bool make_api(struct serve *s)
{
	const struct settings *set = &s->settings;

	s->api = api_new(&(struct api_options){.vault = home_vault(s->home),
					       .home = s->home,
					       .epochs = s->epochs,
					       .workers = s->workers,
					       .tls = certificates_tls(s->certificates),
					       .renewal = s->acme ? tell_renewal : NULL,
					       .renewal_arg = s->acme,
					       .log = log_line,
					       .origins = s->origins.origins,
					       .ca_pem = certificates_ca_pem(s->certificates),
					       .ca_fingerprint = certificates_ca_hex(s->certificates),
					       .open_enrollment = set->open_enrollment,
					       .body_memory = set->body_memory,
					       .message_max = set->message_max,
					       .message_ttl_ms = (int64_t)set->message_ttl,
					       .long_poll_ms = (int64_t)set->long_poll,
					       .mailbox_limits = {.messages = set->mailbox_messages,
								  .bytes = set->mailbox_bytes,
								  .sender_messages = set->sender_messages,
								  .sender_bytes = set->sender_bytes},
					       .refusals = s->refusals,
					       .break_glass_ms = (int64_t)set->break_glass,
					       .login_rate = set->login_rate,
					       .failure_rate = set->failure_rate,
					       .invite_ttl_ms = (int64_t)set->invite_ttl,
					       .login_challenge_ms = (int64_t)set->login_challenge,
					       .login_ttl_ms = (int64_t)set->login_ttl,
					       .login_idle_ms = (int64_t)set->login_idle,
					       .read_snapshot_ms = (unsigned)set->read_snapshot,
					       .idempotency_ttl_ms = (int64_t)set->idempotency_ttl,
					       .shred_delay_ms = (int64_t)set->shred_delay});
	return s->api != NULL;
}

/* For the commands beside it. The local CA certifies where one dials; another certificate, what clients call it. */
static bool tell_place(struct serve *s)
{
	const struct settings *set = &s->settings;
	const bool has_tls = front_has_tls(set);
	struct server_url url = {.origin = ""};
	struct tls_expiry expiry = {.subject = ""};

	server_url_make(has_tls ? "https" : "http", has_tls ? set->listen : set->http,
			has_tls ? http_server_port(s->server) : http_server_plain_port(s->server), url.dial);
	if (has_tls)
		tls_context_expiry(certificates_tls(s->certificates), &expiry);
	if (has_tls && !set->tls_cert[0])
		return server_url_write(s->home, &url, s->error, sizeof(s->error));
	if (s->origins.origins.origin_count > 0)
		snprintf(url.origin, sizeof(url.origin), "%s", s->origins.origins.origins[0]);
	else if (expiry.subject[0] && !strchr(expiry.subject, '*') && !strchr(expiry.subject, ':'))
		snprintf(url.origin, sizeof(url.origin), "https://%s", expiry.subject);
	return server_url_write(s->home, &url, s->error, sizeof(s->error));
}

static bool start(struct serve *s)
{
	const struct settings *set = &s->settings;
	struct home_secret secrets[2];
	struct home_options home = {
		.data = set->data,
		.kek_bits = set->kek_bits,
		.ingest_only = set->ingest_only,
		.epoch_wraps = set->epoch_wraps,
		.token_cache_ms = (int64_t)set->token_cache,
		.secrets = secrets,
		.store = {.queue_depth = set->queue_depth,
			  .commit_delay_us = (unsigned)set->commit_delay * 1000,
			  .stage_bytes = set->stage_size,
			  .watermark_bytes = set->disk_watermark,
			  .reserve_bytes = set->disk_reserve,
			  .flush = on_flush,
			  .notice = on_notice,
			  .arg = s},
	};

	if (!front_check(set, s->error, sizeof(s->error)) || !read_secrets(s, secrets, &home.secret_count) ||
	    home_open(&home, &s->home, s->error, sizeof(s->error)) != CORE_OK ||
	    (front_has_tls(set) && !(open_certificates(s) && open_acme(s))))
		return false;
	forget_secrets(s);
	s->refusals = refusals_new();
	if (!s->refusals) {
		snprintf(s->error, sizeof(s->error), "out of memory");
		return false;
	}
	if (audit_keeper_new(&(struct audit_keeper_options){.home = s->home,
							    .refusals = s->refusals,
							    .tell_ms = (int64_t)set->audit_checkpoint,
							    .keep_ms = (int64_t)set->audit_keep,
							    .log = log_line},
			     &s->keeper, s->error, sizeof(s->error)) != CORE_OK)
		return false;
	snprintf(s->error, sizeof(s->error), "out of memory or threads");
	if (set->epoch_wraps && !set->ingest_only) {
		s->epochs = epochs_new(&(struct epochs_options){
			.vault = home_vault(s->home), .age_ms = (int64_t)set->epoch_age, .log = log_line});
		if (!s->epochs)
			return false;
	}
	s->workers = workers_new(set->workers, set->queue_depth);
	s->care = care_new(&(struct care_options){
		.vault = home_vault(s->home),
		.shred_every_ms = (int64_t)(set->shred_delay > SHRED_LEAST_MS ? set->shred_delay : SHRED_LEAST_MS),
		.expire_every_ms = EXPIRE_EVERY_MS,
		.idempotency_ttl_ms = (int64_t)set->idempotency_ttl,
		.log = log_line,
	});
	if (!s->workers || !s->care ||
	    !origin_names_init(&s->origins, set->origin, set->domain, set->listen, set->host_name))
		return false;
	return make_api(s) && open_access_log(s) && start_http(s) && start_plain_port(s) && start_metrics_port(s) &&
	       tell_place(s);
}

static bool has_moved(void *arg, const char **ret_stuck)
{
	struct serve *s = arg;
	const bool loops = http_server_moved(s->server), committer = store_moved(home_vault(s->home)->store);

	*ret_stuck = loops ? "the committer" : "an event loop";
	return loops && committer;
}

static void tell_state(void *arg, char *ret_line, size_t size)
{
	const struct serve *s = arg;

	snprintf(ret_line, size, "Port %u. %s", http_server_port(s->server), protection(s));
}

static void reload(void *arg)
{
	struct serve *s = arg;

	if (s->certificates)
		certificates_look(s->certificates);
	if (s->acme)
		acme_look(s->acme);
	if (!open_access_log(s))
		log_line(s->error);
}

/* Until it is told to stop. */
static void serve(struct serve *s)
{
	greet(s);
	if (s->acme)
		acme_look(s->acme);
	watch_run(&(struct watch_options){.notify = &s->notify,
					  .moved = has_moved,
					  .status = tell_state,
					  .reload = reload,
					  .log = log_line,
					  .arg = s});
	server_url_remove(s->home);
}

int command_serve(int argc, char **argv)
{
	struct serve s = {.access_log = -1, .notify = {.fd = -1}};
	const enum settings_status loaded = settings_load(&s.settings, argc, argv, stderr);
	int exit_status = 0;

	if (loaded != SETTINGS_OK) {
		if (loaded == SETTINGS_HELP)
			settings_help(
				"coffer serve [OPTION]...",
				"Keeps records and mailboxes, and answers requests, until it is interrupted. What no "
				"option says\nthe environment may, then the file of --config.",
				stdout);
		settings_done(&s.settings);
		return loaded == SETTINGS_HELP ? 0 : 2;
	}
	harden_process();
	raise_file_limit();
	watch_block();
	if (!notify_init(&s.notify))
		exit_status = complain("the service manager's NOTIFY_SOCKET cannot be used");
	else if (start(&s))
		serve(&s);
	else
		exit_status = complain(s.error);
	metrics_port_free(s.metrics_port);
	plain_port_free(s.plain_port);
	acme_stop(s.acme);
	http_server_stop(s.server);
	acme_free(s.acme);
	workers_free(s.workers);
	care_free(s.care);
	epochs_free(s.epochs);
	audit_keeper_free(s.keeper);
	certificates_free(s.certificates); /* its thread may write below home */
	forget_secrets(&s);
	home_close(s.home); /* its last batches still call api_flush(), which knows api and server */
	http_server_free(s.server);
	refusals_free(s.refusals);
	api_free(s.api);
	origin_names_done(&s.origins);
	notify_done(&s.notify);
	settings_done(&s.settings);
	return exit_status;
}
