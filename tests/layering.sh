#!/usr/bin/env bash
# layering.sh [ROOT]: the rooms of the source keep to their walls, as far as includes tell. Without ROOT it first proves
# on a tree of its own that each rule can fail.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
broken=0

# Prints the files under DIRECTORY that include something matching PATTERN (extended, after the opening < or ").
including() {
	[[ -e $1 ]] || return 0
	grep -rlE --include='*.c' --include='*.h' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1" | sort
}

complain() {
	local rule=$1 files=$2
	[[ -n $files ]] || return 0
	broken=1
	while read -r file; do
		printf 'layering: %s: %s\n' "$file" "$rule" >&2
	done <<<"$files"
}

# only_in PATTERN ALLOWED RULE DIRECTORY...: of these directories only what matches ALLOWED may include PATTERN.
only_in() {
	local pattern=$1 allowed=$2 rule=$3 directory found=""
	shift 3
	for directory in "$@"; do
		found+=$(including "$directory" "$pattern" | grep -vE "^($allowed)")$'\n'
	done
	complain "$rule" "$(sed '/^$/d' <<<"$found")"
}

never() {
	complain "$1 must not include $3" "$(including "$1" "$2")"
}

check() {
	cd "$1" || exit 1
	broken=0
	only_in 'microhttpd\.h' 'server/http/' 'microhttpd.h belongs to server/http/' server crypto db
	only_in 'cJSON\.h|cjson/' 'server/json/' 'cJSON.h belongs to server/json/' server crypto db
	only_in 'curl/' 'server/client/' 'curl/curl.h belongs to server/client/' server crypto db
	only_in 'gnutls/' 'server/tls/' 'in server/, GnuTLS belongs to server/tls/' server
	only_in 'sqlite3\.h' 'db/' 'sqlite3.h belongs to one file of db/' server crypto

	local sqlite
	sqlite=$(including db 'sqlite3\.h')
	if [[ $(grep -c . <<<"$sqlite") -gt 1 ]]; then
		complain 'sqlite3.h belongs to one file of db/, and several include it' "$sqlite"
	fi

	never crypto '(\.\./)*(db|server)/' 'db/ or server/'
	never db '(\.\./)*(crypto|server)/' 'crypto/ or server/'
	# Above the rooms of the service stand those that make and show it: nobody below knows them.
	local above='cli|doctor|service|settings'
	never server/core "(\.\./)*(server/)?(http|api|$above)/" 'server/http, server/api or a room above'
	never server/http "(\.\./)*(server/)?(api|core|$above)/" 'server/api, server/core or a room above'
	never server/http '(\.\./)*db/' 'db/'
	never server/api "(\.\./)*(server/)?($above)/" 'a room above'
	never server/tls "(\.\./)*(server/)?(api|core|http|$above)/" 'server/api, server/core, server/http or a room above'
	never server/partner "(\.\./)*(server/)?(http|api|$above)/" 'server/http, server/api or a room above'
	never server/client "(\.\./)*(server/)?(http|api|core|$above)/" 'server/http, server/api, server/core or a room above'
	never server/settings '(\.\./)*(server/)?(core|api|cli|doctor|service)/' 'what is made from settings'
	never server/service '(\.\./)*(server/)?(cli|doctor)/' 'server/cli or server/doctor'
	never server/doctor '(\.\./)*(server/)?(cli|api)/' 'server/cli or server/api'
	return "$broken"
}

# FILE INCLUDE pairs, each of which must be refused in a tree where nothing else is wrong.
wrong=(
	'server/api/a.c <microhttpd.h>'
	'crypto/a.h <microhttpd.h>'
	'server/api/a.c <cjson/cJSON.h>'
	'server/core/a.c <cJSON.h>'
	'server/core/a.c <gnutls/gnutls.h>'
	'server/cli/a.c <curl/curl.h>'
	'server/client/a.c "server/api/api.h"'
	'server/partner/a.c "server/cli/commands.h"'
	'server/core/a.c <sqlite3.h>'
	'db/a.c <sqlite3.h>'
	'crypto/a.c "db/store.h"'
	'crypto/a.c "../server/core/vault.h"'
	'db/a.c "crypto/eax.h"'
	'db/a.h "server/core/vault.h"'
	'server/core/a.c "server/http/http.h"'
	'server/core/a.c "../api/api.h"'
	'server/core/a.c "server/settings/settings.h"'
	'server/http/a.c "server/core/vault.h"'
	'server/http/a.c "server/api/api.h"'
	'server/http/a.c "server/settings/settings.h"'
	'server/http/a.c "db/store.h"'
)

self_test() {
	local tree file include
	tree=$(mktemp -d) || return 1
	# shellcheck disable=SC2064 # the value of now is meant
	trap "rm -rf '$tree'" EXIT
	mkdir -p "$tree"/{crypto,db,server/{http,json,tls,core,api,client,partner,settings,service,doctor,cli}}
	echo '#include <microhttpd.h>' >"$tree/server/http/right.c"
	echo '#include <cjson/cJSON.h>' >"$tree/server/json/right.c"
	echo '#include <gnutls/gnutls.h>' | tee "$tree/server/tls/right.c" >"$tree/crypto/right.c"
	echo '#include <sqlite3.h>' >"$tree/db/right.c"
	echo '#include <curl/curl.h>' >"$tree/server/client/right.c"
	printf '#include "crypto/eax.h"\n#include "db/store.h"\n' >"$tree/server/core/right.c"
	if ! (check "$tree"); then
		echo 'layering: the self-test refuses a tree where all is right' >&2
		return 1
	fi
	for pair in "${wrong[@]}"; do
		file=${pair%% *}
		include=${pair#* }
		printf '#  include %s\n' "$include" >"$tree/$file"
		if (check "$tree") 2>/dev/null; then
			printf 'layering: the self-test: %s in %s was not noticed\n' "$include" "$file" >&2
			return 1
		fi
		rm "$tree/$file"
	done
}

if [[ $# -gt 0 ]]; then
	check "$1"
	exit
fi
self_test && check "$here"
