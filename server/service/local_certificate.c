#include "server/service/local_certificate.h"

#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/tls/certificate.h"

struct job {
	const struct local_certificate *local;
	struct tls_pems pems;
	char *error;
	size_t error_size;
};

/* Takes the text out of secret memory, so that free() gives it back; tls_pems_done() wipes it. */
static enum core_status read_pem(struct job *job, const char *name, bool secret, char **ret_pem)
{
	char *text;
	size_t size;
	enum core_status status = home_read(job->local->home, name, secret, &text, &size, job->error, job->error_size);

	if (status != CORE_OK)
		return status;
	*ret_pem = strdup(text);
	secret_free(text, size + 1);
	if (!*ret_pem)
		snprintf(job->error, job->error_size, "out of memory");
	return *ret_pem ? CORE_OK : CORE_NOMEM;
}

static bool write_pem(struct job *job, const char *name, unsigned mode, const char *pem)
{
	return home_write(job->local->home, name, mode, pem, strlen(pem), job->error, job->error_size) == CORE_OK;
}

static bool fail(struct job *job, enum tls_status status)
{
	snprintf(job->error, job->error_size, "cannot make the certificates in %s/tls: %s", home_path(job->local->home),
		 tls_status_text(status));
	return false;
}

/* Only where there has never been one: a CA that clients trust is not replaced because it cannot be read. */
static bool open_ca(struct job *job)
{
	enum core_status read = read_pem(job, "tls/ca.pem", false, &job->pems.ca_cert);
	enum tls_status made;

	if (read == CORE_OK)
		return read_pem(job, "tls/ca.key", true, &job->pems.ca_key) == CORE_OK;
	if (read != CORE_NOT_FOUND)
		return false;
	made = tls_local_ca_make(&job->pems);
	if (made != TLS_OK)
		return fail(job, made);
	/* The certificate last: with it the CA is there, and its key must be. */
	return write_pem(job, "tls/ca.key", 0600, job->pems.ca_key) &&
	       write_pem(job, "tls/ca.pem", 0644, job->pems.ca_cert);
}

static bool is_for_others(const struct local_certificate *local, const struct tls_pems *pems)
{
	for (size_t i = 0; i < local->other_count; i++)
		if (tls_certificate_is_for(pems->leaf_cert, &local->others[i], 1))
			return true;
	return false;
}

static bool open_leaf(struct job *job)
{
	const struct local_certificate *local = job->local;
	struct tls_pems *pems = &job->pems;
	enum tls_status made;

	if (read_pem(job, "tls/server.pem", false, &pems->leaf_cert) == CORE_OK &&
	    read_pem(job, "tls/server.key", true, &pems->leaf_key) == CORE_OK &&
	    tls_local_leaf_good(pems, local->names, local->count, local->renew) && !is_for_others(local, pems))
		return true;
	made = tls_local_leaf_make(pems, local->names, local->count, local->lifetime);
	if (made != TLS_OK)
		return fail(job, made);
	return write_pem(job, "tls/server.key", 0600, pems->leaf_key) &&
	       write_pem(job, "tls/server.pem", 0600, pems->leaf_cert);
}

bool local_certificate_open(const struct local_certificate *local, struct tls_pems *ret_pems, char *ret_error,
			    size_t error_size)
{
	struct job job = {.local = local, .error = ret_error, .error_size = error_size};

	if (!open_ca(&job) || !open_leaf(&job)) {
		tls_pems_done(&job.pems);
		return false;
	}
	*ret_pems = job.pems;
	return true;
}
