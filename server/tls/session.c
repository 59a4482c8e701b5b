#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "crypto/secret.h"
#include "server/tls/context_private.h"

enum { TICKET_KEY_SECONDS = 24 * 60 * 60, CONTENT_HANDSHAKE = 22 /* RFC 5246 §6.2.1 */, HELD_MAX = 4096 };

/* ---- transport --------------------------------------------------------------------------------------------------- */

/* GnuTLS reads errno after these, as after recv(2) and sendmsg(2) themselves: nothing may disturb it on failure. */

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buffer, size_t size)
{
	struct tls_link *link = ptr;
	ssize_t got;

	if (link->answering && link->traffic->sent > 0) {
		errno = EAGAIN;
		return -1;
	}
	got = link->traffic->deaf ? 0 : recv(link->fd, buffer, size, 0);
	if (got >= 0) {
		link->traffic->moves++;
		link->traffic->received += (uint64_t)got;
	}
	return got;
}

/*
 * A client with Nagle's algorithm on sends its first request only once its Finished is acknowledged, and the kernel
 * would delay that by 40 ms. The option does not last, hence after each receive; done for ever it costs throughput.
 */
static ssize_t pull_handshake(gnutls_transport_ptr_t ptr, void *buffer, size_t size)
{
	const struct tls_link *link = ptr;
	const int on = 1;
	ssize_t got = pull(ptr, buffer, size);

	if (got > 0)
		(void)setsockopt(link->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	return got;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	const struct tls_link *link = ptr;

	return gnutls_system_recv_timeout((gnutls_transport_ptr_t)(intptr_t)link->fd, ms);
}

/* Keeps what is to be sent, which GnuTLS then takes for sent. False: it is too long, or memory is short. */
static bool hold(struct tls_traffic *traffic, const giovec_t *pieces, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += pieces[i].iov_len;
	traffic->held = size <= HELD_MAX ? malloc(size) : NULL;
	if (!traffic->held)
		return false;
	for (int i = 0; i < count; i++) {
		memcpy(traffic->held + traffic->held_size, pieces[i].iov_base, pieces[i].iov_len);
		traffic->held_size += pieces[i].iov_len;
	}
	return true;
}

/* What was held goes first. What is then left of it, when the socket is full, goes with the next try. */
static ssize_t less_held(struct tls_traffic *traffic, ssize_t sent)
{
	const size_t before = traffic->held_size, gone = (size_t)sent < before ? (size_t)sent : before;

	memmove(traffic->held, traffic->held + gone, before - gone);
	traffic->held_size -= gone;
	if (traffic->held_size == 0) {
		free(traffic->held);
		traffic->held = NULL;
	}
	if ((size_t)sent > before)
		return sent - (ssize_t)before;
	errno = EAGAIN;
	return -1;
}

/*
 * The vector form: a flight of several records leaves in one segment. So do the head and the body of a reply, which
 * libmicrohttpd sends one by one.
 */
static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *pieces, int count)
{
	struct tls_link *link = ptr;
	struct tls_traffic *traffic = link->traffic;
	struct iovec vector[16];
	struct msghdr message = {.msg_iov = vector};
	ssize_t sent;

	if (traffic->joins) {
		traffic->joins = false;
		if (!traffic->held && hold(traffic, pieces, count))
			return (ssize_t)traffic->held_size;
	}
	if (traffic->held)
		vector[message.msg_iovlen++] = (struct iovec){traffic->held, traffic->held_size};
	/* Sending only the first pieces is a partial write, which GnuTLS goes on from. */
	for (int i = 0; i < count && message.msg_iovlen < 16; i++)
		vector[message.msg_iovlen++] = (struct iovec){pieces[i].iov_base, pieces[i].iov_len};
	sent = sendmsg(link->fd, &message, MSG_NOSIGNAL);
	if (sent >= 0) {
		traffic->moves++;
		traffic->sent += (uint64_t)sent;
	}
	return sent > 0 && traffic->held ? less_held(traffic, sent) : sent;
}

/*
 * Follows the records of an established session: whether the one that these bytes reach into says in clear that it
 * belongs to a handshake. Under TLS 1.2 that is a client that renegotiates; under 1.3 every record says the same.
 */
static bool renegotiates(struct tls_link *link, const uint8_t *bytes, size_t size)
{
	bool asked = false;

	for (size_t at = 0; at < size;) {
		if (link->record_left > 0) {
			const size_t part = size - at < link->record_left ? size - at : link->record_left;

			link->record_left -= part;
			at += part;
			continue;
		}
		asked = asked || (link->header_size == 0 && bytes[at] == CONTENT_HANDSHAKE);
		link->header[link->header_size++] = bytes[at++];
		if (link->header_size == sizeof(link->header)) {
			link->record_left = (size_t)link->header[3] << 8 | link->header[4];
			link->header_size = 0;
		}
	}
	return asked;
}

/*
 * libmicrohttpd ends the connection of a client that asks to renegotiate, and tells it nothing. A client that is told
 * knows that it was refused, and not cut off (RFC 5246 §7.2.2: always a warning).
 */
static ssize_t pull_established(gnutls_transport_ptr_t ptr, void *buffer, size_t size)
{
	struct tls_link *link = ptr;
	const ssize_t got = pull(ptr, buffer, size);

	if (got > 0 && renegotiates(link, buffer, (size_t)got))
		/* Nothing can be done for a client that it does not reach. */
		(void)gnutls_alert_send(link->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
	return got;
}

/* The client's Finished is the last message of the handshake that can keep a client waiting. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
		       const gnutls_datum_t *message)
{
	(void)type;
	(void)when;
	(void)message;
	if (incoming) {
		struct tls_link *link = gnutls_transport_get_ptr(session);

		link->traffic->established = true;
		gnutls_transport_set_pull_function(session, pull_established);
	}
	return 0;
}

/* Borrowed from the context, for the life of the session on that descriptor; NULL when memory runs out. */
static struct tls_link *take_link(struct tls_context *context, int fd)
{
	const size_t page = (size_t)fd / TLS_LINKS_A_PAGE;
	struct tls_link *links;

	if (fd < 0 || page >= TLS_LINK_PAGES)
		return NULL;
	pthread_mutex_lock(&context->lock);
	if (!context->pages[page])
		context->pages[page] = calloc(TLS_LINKS_A_PAGE, sizeof(*links));
	links = context->pages[page];
	pthread_mutex_unlock(&context->lock);
	return links ? &links[(size_t)fd % TLS_LINKS_A_PAGE] : NULL;
}

/* ---- tickets ----------------------------------------------------------------------------------------------------- */

/*
 * The library derives short-lived keys from this one; a new one a day bounds what a key stolen from memory opens. A
 * ticket under the former key only costs its client a full handshake.
 */
static int rotate_ticket_key(struct tls_context *context)
{
	struct timespec now;
	gnutls_datum_t fresh = {0};

	clock_gettime(CLOCK_BOOTTIME, &now);
	if (context->ticket_key.data && now.tv_sec - context->ticket_key_born < TICKET_KEY_SECONDS)
		return 0;
	if (gnutls_session_ticket_key_generate(&fresh) < 0)
		return -1;
	if (context->ticket_key.data)
		secret_wipe(context->ticket_key.data, context->ticket_key.size);
	gnutls_free(context->ticket_key.data);
	context->ticket_key = fresh;
	context->ticket_key_born = now.tv_sec;
	return 0;
}

static int enable_tickets(struct tls_context *context, gnutls_session_t session)
{
	int code;

	pthread_mutex_lock(&context->lock);
	code = rotate_ticket_key(context);
	if (code == 0)
		code = gnutls_session_ticket_enable_server(session, &context->ticket_key); /* copies */
	pthread_mutex_unlock(&context->lock);
	return code;
}

/* ---- the session ------------------------------------------------------------------------------------------------- */

/*
 * Answers the ClientHello, which has come whole, here and not where the library below would: that tells no client why
 * it is refused. The handshake does not go further in this call, however quick the client is: one that is complete
 * would begin again there.
 */
static enum tls_status answer(gnutls_session_t session, struct tls_link *link)
{
	int code;

	link->answering = true;
	code = gnutls_handshake(session);
	link->answering = false;
	if (code == 0 || !gnutls_error_is_fatal(code))
		return TLS_OK;
	/* Nothing can be done for a client that it does not reach. */
	(void)gnutls_alert_send_appropriate(session, code);
	return TLS_REFUSED;
}

static int choose_protocol(gnutls_session_t session)
{
	static unsigned char HTTP_1_1[] = "http/1.1";
	/* Twice: what libmicrohttpd has set comes first, http/1.0 among it, and only what is written over goes. */
	static const gnutls_datum_t PROTOCOLS[] = {{HTTP_1_1, sizeof(HTTP_1_1) - 1}, {HTTP_1_1, sizeof(HTTP_1_1) - 1}};

	return gnutls_alpn_set_protocols(session, PROTOCOLS, 2, GNUTLS_ALPN_MANDATORY);
}

enum tls_status tls_session_prepare(struct tls_context *context, struct gnutls_session_int *session,
				    struct tls_traffic *traffic)
{
	const int fd = (int)(intptr_t)gnutls_transport_get_ptr(session);
	struct tls_link *link = take_link(context, fd);

	if (!link)
		return TLS_NOMEM;
	traffic->credential = tls_context_take(context);
	if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, traffic->credential->gnutls) < 0 ||
	    choose_protocol(session) < 0 || enable_tickets(context, session) < 0)
		return TLS_INTERNAL;
	if (traffic->credential->clients)
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	*link = (struct tls_link){.fd = fd, .session = session, .traffic = traffic};
	gnutls_transport_set_ptr(session, link);
	gnutls_transport_set_pull_function(session, pull_handshake);
	gnutls_transport_set_pull_timeout_function(session, pull_timeout);
	gnutls_transport_set_vec_push_function(session, push);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
	return answer(session, link);
}

void tls_session_done(struct tls_traffic *traffic)
{
	tls_credential_give(traffic->credential);
	traffic->credential = NULL;
	free(traffic->held);
	traffic->held = NULL;
	traffic->held_size = 0;
}

bool tls_session_send(struct gnutls_session_int *session, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t sent = gnutls_record_send(session, at, size);

		if (sent <= 0)
			return false;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}
