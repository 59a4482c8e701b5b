/*
 * Problem documents (RFC 9457): the one list of what can go wrong for a client. From it come the enum, the bodies and
 * the documentation. A title is fixed; what is particular goes in `detail`, and payload never does.
 */
#ifndef COFFER_HTTP_PROBLEM_H
#define COFFER_HTTP_PROBLEM_H

/* X(NAME, status, slug, title) */
#define PROBLEM_LIST(X)                                                                                             \
	X(BAD_REQUEST, 400, "bad-request", "The request is malformed")                                              \
	X(UNAUTHORIZED, 401, "unauthorized", "A valid bearer token is needed")                                      \
	X(LOGIN_FAILED, 401, "login-failed", "The answer to the challenge is wrong")                                \
	X(FORBIDDEN, 403, "forbidden", "The token does not allow this")                                             \
	X(WRONG_PASSPHRASE, 403, "wrong-passphrase", "This passphrase does not unseal the service")                 \
	X(PROOF_REFUSED, 403, "proof-refused", "The signature that must come with this is missing or does not fit") \
	X(INVITE_REFUSED, 403, "invite-refused", "A new name needs an invite that is good for it")                  \
	X(NOT_FOUND, 404, "not-found", "There is no such thing here")                                               \
	X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "The resource does not have this method")                  \
	X(TIMEOUT, 408, "request-timeout", "The request took too long to arrive")                                   \
	X(KEY_IN_FLIGHT, 409, "idempotency-in-flight", "A request with this Idempotency-Key is being worked on")    \
	X(CONFLICT, 409, "conflict", "This does not go with how things stand")                                      \
	X(GONE, 410, "gone", "The record has been deleted")                                                         \
	X(PRECONDITION_FAILED, 412, "precondition-failed", "The record has changed")                                \
	X(TOO_LARGE, 413, "too-large", "The body is larger than the limit")                                         \
	X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported-media-type", "Records are not accepted in this form")           \
	X(RANGE_NOT_SATISFIABLE, 416, "range-not-satisfiable", "The record has no such bytes")                      \
	X(EXPECTATION_FAILED, 417, "expectation-failed", "Only Expect: 100-continue is understood")                 \
	X(MISDIRECTED, 421, "misdirected", "This server does not go by the name that the request was sent to")      \
	X(MESSAGE_MALFORMED, 422, "message-malformed", "This is not a message for that mailbox")                    \
	X(SIGNATURE_REFUSED, 422, "signature-refused", "The signature is not the sender's over this message")       \
	X(KEY_REFUSED, 422, "key-refused", "This is not a public key that is accepted here")                        \
	X(PRIVATE_KEY, 422, "private-key", "This is a PRIVATE key: it was thrown away unread; send the public one") \
	X(KEY_REUSED, 422, "idempotency-key-reused", "This Idempotency-Key was used with another body")             \
	X(PRECONDITION_REQUIRED, 428, "precondition-required", "The request must say which version it replaces")    \
	X(TOO_MANY, 429, "too-many-connections", "The address has too many connections")                            \
	X(MAILBOX_FULL, 429, "mailbox-full", "The mailbox is full")                                                 \
	X(SENDER_QUOTA, 429, "sender-quota", "Too much from this sender lies in the mailbox")                       \
	X(RATE_LIMITED, 429, "rate-limited", "Too many attempts; try again later")                                  \
	X(HEADERS_TOO_LARGE, 431, "headers-too-large", "The request's header is larger than the limit")             \
	X(INTERNAL, 500, "internal", "Something went wrong on the server")                                          \
	X(RECORD_DAMAGED, 500, "record-damaged", "The stored record could not be decrypted")                        \
	X(BUSY, 503, "busy", "The server is busy; try again shortly")                                               \
	X(SEALED, 503, "sealed", "The service is sealed: it takes records in, but cannot read any")                 \
	X(STOPPING, 503, "stopping", "The server is shutting down")                                                 \
	X(OUTCOME_UNKNOWN, 503, "outcome-unknown",                                                                  \
	  "It is not known whether this was stored; send it again with the same Idempotency-Key")                   \
	X(STORE_UNAVAILABLE, 503, "store-unavailable", "The store cannot be read or written at the moment")         \
	X(INSUFFICIENT_STORAGE, 507, "insufficient-storage", "The disk is nearly full; nothing was stored")

#define PROBLEM_ENUM(name, status, slug, title) PROBLEM_##name,
enum problem { PROBLEM_LIST(PROBLEM_ENUM) PROBLEM_COUNT };
#undef PROBLEM_ENUM

unsigned problem_status(enum problem problem);
const char *problem_slug(enum problem problem);
const char *problem_title(enum problem problem);

#endif
