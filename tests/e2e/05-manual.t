#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The manual says what the program says: each page is clean mdoc, and each command, option
# and mount option is in it. And what `make install` installs, the pages among it.
# shellcheck disable=SC1091,SC2154 # e2e_top and status are set by e2e.sh
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"
man=$e2e_top/docs/man

for page in "$man"/*; do
	name=$(basename "$page")
	capture mandoc -T lint -W warning "$page"
	is "$status $OUT$ERR" "0 " "$name: mandoc finds nothing"
	mandoc -T ascii "$page" | sed 's/.\x08//g' >"$name.txt"
done

# has WORD FILE: as a word of its own, not as a part of a longer one; a value may follow "=".
has() {
	local word end='([^A-Za-z0-9_-]|$)'
	word=$(printf %s "$1" | sed 's/[^A-Za-z0-9_-]/\\&/g')
	[ "${1: -1}" = = ] && end=
	grep -qE -e "(^|[^A-Za-z0-9_-])$word$end" "$2"
}
# missing FILE WORD...: those that are not in it.
missing() {
	local file=$1 word
	shift
	for word; do
		has "$word" "$file" || printf '%s ' "$word"
	done
}
section() { awk -v s="$1" '/^[A-Z]/ { on = $0 == s } on' livery.1.txt; }

mapfile -t commands < <("$LIVERY" help | sed -n 's/^  \([a-z-]*\)  *[A-Z].*/\1/p')
result $((${#commands[@]} < 10)) "help lists commands (${#commands[@]})"

# What the page says of one command: its entry, its synopsis, and what holds for all.
entry() {
	section COMMANDS | awk -v c="$1" -v all=" ${commands[*]} " \
		'/^     [a-z]/ && index(all, " " $1 " ") { on = $1 == c } /^     [a-z]/ && !on { next } on'
}
section DESCRIPTION >general.txt
for c in "${commands[@]}"; do
	"$LIVERY" "$c" --help >help.txt
	entry "$c" >entry.txt
	{
		cat entry.txt general.txt
		section SYNOPSIS | awk -v c="$c" '/^     livery / { on = $2 == c } on'
	} >said.txt
	mapfile -t options < <(sed '1,/^Options:/d' help.txt | cut -c1-28 |
		grep -oE -e '(^|[ ,])--?[A-Za-z][a-z0-9-]*' | tr -d ' ,')
	result $((! $(wc -l <entry.txt))) "livery.1 has an entry for $c"
	is "$(missing said.txt "${options[@]}" --help -h)" "" \
		"livery.1 has all options of $c (${options[*]})"
	mapfile -t written < <(grep -oE -e '--[a-z][a-z0-9-]*' entry.txt | sort -u)
	is "$(missing help.txt "${written[@]}")" "" "livery.1 has no other options of $c"
done
is "$(missing general.txt --help)$(missing livery.1.txt --version)" "" \
	"livery.1 has the options without a command"
ok "livery --help" "$LIVERY" --help
ok "livery -h" "$LIVERY" -h
ok "livery --version" "$LIVERY" --version

# mount_options true|false: names of the table that are for fstab only, or not.
mount_options() {
	sed -n "/^} table/,/^};/s/^\t{\"\([^\"]*\)\", $1,.*/\1/p" "$e2e_top/fs/mount_options.c" |
		sed 's/=\*$/=/'
}
mapfile -t options < <(mount_options false)
entry mount >entry.txt
result $((${#options[@]} < 10)) "fs/mount_options.c has options (${#options[@]})"
is "$(missing entry.txt "${options[@]}")" "" "livery.1 has all options of mount -o"
mapfile -t options < <(mount_options true)
result $((${#options[@]} < 10)) "fs/mount_options.c has options for fstab (${#options[@]})"
is "$(missing mount.livery.8.txt "${options[@]}" ro allow_other db=)" "" \
	"mount.livery.8 has all options for fstab"

# The schema's tables and columns.
as_user mkdir tree
ok "a database" as_user "$LIVERY" chown --staging=tree 0 tree
mapfile -t columns < <(sqlite3 -readonly tree.livery \
	"SELECT DISTINCT name FROM (SELECT name FROM sqlite_schema WHERE sql IS NOT NULL
	UNION ALL SELECT c.name FROM sqlite_schema AS s JOIN pragma_table_info(s.name) AS c)")
result $((${#columns[@]} < 15)) "the schema has names (${#columns[@]})"
is "$(missing livery.5.txt "${columns[@]}")" "" "livery.5 has all tables, columns and indexes"
version=$(sqlite3 -readonly tree.livery 'PRAGMA user_version')
has "schema, $version today" livery.5.txt
result $? "livery.5 has the version of the schema ($version)"

# Installation.
ok "make install" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$e2e_top" install \
	DESTDIR="$SCRATCH/dest" PREFIX=/usr
is "$(cd dest && find . ! -type d | sort)" "./usr/bin/livery
./usr/sbin/mount.livery
./usr/share/bash-completion/completions/livery
./usr/share/man/man1/livery.1
./usr/share/man/man5/livery-manifest.5
./usr/share/man/man5/livery.5
./usr/share/man/man8/mount.livery.8" "what is installed"
is "$(readlink dest/usr/sbin/mount.livery)" /usr/bin/livery "mount.livery is livery"
is "$(find dest ! -type l -perm /022)" "" "nobody else may write to what is installed"

# The completion.
completion=dest/usr/share/bash-completion/completions/livery
ok "the completion is valid bash" bash -n "$completion"
complete_words() { # WORD...: what the last one is completed to
	bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _livery
		echo "${COMPREPLY[*]}"' bash "$completion" "$@" 2>&1
}
is "$(complete_words livery un)" unpack "livery un"
is "$(complete_words livery st)" "stat status" "livery st"
is "$(complete_words livery label --po)" --policy "livery label --po"
is "$(complete_words livery mount tre)" "tree tree.livery" "livery mount tre: paths"
finish
