#include "server/cli/secret_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/core/files.h"

static bool refuse(char *ret_error, size_t error_size, const char *from, const char *why)
{
	snprintf(ret_error, error_size, "%s %s", from, why);
	return false;
}

static bool check_passphrase(const struct secret_input *input, bool is_new, char *ret_error, size_t error_size)
{
	const size_t size = input->secret.size;

	if (size == 0)
		return refuse(ret_error, error_size, input->from, "is empty");
	if (is_new && size < SECRET_PASSPHRASE_MIN)
		return refuse(ret_error, error_size, input->from, "is too short: at least 8 bytes");
	if (size > SECRET_PASSPHRASE_MAX)
		return refuse(ret_error, error_size, input->from, "is too long: at most 1024 bytes");
	if (memchr(input->secret.bytes, '\n', size) || memchr(input->secret.bytes, '\0', size))
		return refuse(ret_error, error_size, input->from, "has more than one line");
	return true;
}

static bool read_file(const char *what, const char *path, enum slot_kind kind, struct secret_input *ret_input,
		      char *ret_error, size_t error_size)
{
	char *text = NULL;
	size_t size;
	const enum core_status status =
		files_read(path, true, &text, &size, &(struct files_error){ret_error, error_size});

	if (status == CORE_NOT_FOUND)
		return refuse(ret_error, error_size, path, "does not exist");
	if (status != CORE_OK)
		return false;
	memset(ret_input, 0, sizeof(*ret_input));
	snprintf(ret_input->from, sizeof(ret_input->from), "the %s in %s", what, path);
	ret_input->allocated = size + 1;
	ret_input->secret = (struct home_secret){.kind = kind, .bytes = text, .size = size, .from = ret_input->from};
	return true;
}

bool secret_input_passphrase_file(const char *path, bool is_new, struct secret_input *ret_input, char *ret_error,
				  size_t error_size)
{
	const char *text;

	if (!read_file("passphrase", path, SLOT_PASSPHRASE, ret_input, ret_error, error_size))
		return false;
	text = ret_input->secret.bytes;
	if (ret_input->secret.size > 0 && text[ret_input->secret.size - 1] == '\n')
		ret_input->secret.size--;
	if (check_passphrase(ret_input, is_new, ret_error, error_size))
		return true;
	secret_input_done(ret_input);
	return false;
}

bool secret_input_credential(const char *path, struct secret_input *ret_input, char *ret_error, size_t error_size)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char standard[4096];

	memset(ret_input, 0, sizeof(*ret_input));
	if (path[0] == '\0') {
		if (!directory ||
		    snprintf(standard, sizeof(standard), "%s/coffer-unlock", directory) >= (int)sizeof(standard) ||
		    access(standard, F_OK) != 0)
			return true;
		path = standard;
	}
	if (!read_file("credential", path, SLOT_CREDENTIAL, ret_input, ret_error, error_size))
		return false;
	if (ret_input->secret.size >= SLOT_CREDENTIAL_MIN)
		return true;
	refuse(ret_error, error_size, ret_input->from, "is too short: at least 32 random bytes");
	secret_input_done(ret_input);
	return false;
}

/* ---- the terminal -------------------------------------------------------------------------------------------------
 */

/* Reads a line without echo; it is cut at SECRET_PASSPHRASE_MAX + 1 bytes, which is then refused as too long. */
static bool ask_once(int tty, const char *prompt, char *ret_text, size_t *ret_size)
{
	struct termios shown, hidden;
	bool good = true;
	size_t size = 0;
	char c = '\0';

	if (tcgetattr(tty, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ICANON | ECHONL;
	if (tcsetattr(tty, TCSAFLUSH, &hidden) != 0)
		return false;
	dprintf(tty, "%s: ", prompt);
	for (;;) {
		const ssize_t n = read(tty, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		good = n == 1;
		if (!good || c == '\n')
			break;
		if (size <= SECRET_PASSPHRASE_MAX)
			ret_text[size++] = c;
	}
	c = '\0';
	if (tcsetattr(tty, TCSAFLUSH, &shown) != 0)
		good = false;
	*ret_size = size;
	return good;
}

bool secret_input_ask(const char *prompt, bool is_new, struct secret_input *ret_input, char *ret_error,
		      size_t error_size)
{
	enum { CAP = SECRET_PASSPHRASE_MAX + 1 };
	const int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	char *text = secret_alloc(CAP), *again = secret_alloc(CAP);
	size_t size = 0, again_size = 0;
	char prompt_again[128];
	bool good = false;

	memset(ret_input, 0, sizeof(*ret_input));
	snprintf(prompt_again, sizeof(prompt_again), "%s, again", prompt);
	if (tty < 0) {
		refuse(ret_error, error_size, "there is no terminal to ask on:", "use --passphrase-file");
	} else if (!text || !again) {
		refuse(ret_error, error_size, "no memory that can be locked", "(RLIMIT_MEMLOCK)");
	} else if (!ask_once(tty, prompt, text, &size) ||
		   (is_new && !ask_once(tty, prompt_again, again, &again_size))) {
		refuse(ret_error, error_size, "the terminal", "could not be read");
	} else if (is_new && (size != again_size || !secret_equal(text, again, size))) {
		refuse(ret_error, error_size, "the two passphrases", "differ");
	} else {
		snprintf(ret_input->from, sizeof(ret_input->from), "the passphrase");
		ret_input->allocated = CAP;
		ret_input->secret = (struct home_secret){
			.kind = SLOT_PASSPHRASE, .bytes = text, .size = size, .from = ret_input->from};
		text = NULL;
		good = check_passphrase(ret_input, is_new, ret_error, error_size);
		if (!good)
			secret_input_done(ret_input);
	}
	secret_free(text, CAP);
	secret_free(again, CAP);
	if (tty >= 0)
		close(tty);
	return good;
}

void secret_input_done(struct secret_input *input)
{
	if (input->secret.bytes)
		secret_free((void *)(uintptr_t)input->secret.bytes, input->allocated);
	input->secret = (struct home_secret){.bytes = NULL};
}
