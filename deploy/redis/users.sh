#!/usr/bin/env bash
# Makes Redis's users: `users.sh DIR [HOST:PORT [NAMESPACE]]`. For each user of users.acl it makes a password, and writes
#
#   DIR/users.acl             what Redis reads: hashes alone. For root alone, too: give Redis's own user a copy
#   DIR/redis-url-USER        redis.url of that user, for one program each: worker, webhooks, producer, operator, admin
#
# Without HOST:PORT it is redis:6379, as in compose.yaml. NAMESPACE is redis.namespace, where that is another than `longshore`.
set -euo pipefail
umask 077

dir="${1:?say where: users.sh DIR [HOST:PORT [NAMESPACE]]}"
place="${2:-redis:6379}"
namespace="${3:-longshore}"
shipped="$(dirname "$0")/users.acl"
if [ -e "$dir/users.acl" ]; then
    echo "$dir/users.acl is there, and programs have its passwords: move it away first" >&2
    exit 1
fi
mkdir -p "$dir"

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }

users=""
while read -r line; do
    read -r _ user _ <<<"$line"
    if [[ "$line" == *" #0000"* ]]; then
        password="$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')"
        hash="$(printf %s "$password" | sha256)"
        line="$(sed -E "s/#0{64}/#$hash/" <<<"$line")"
        printf 'redis://%s:%s@%s' "$user" "$password" "$place" >"$dir/redis-url-$user"
    fi
    users+="${line//\{longshore:/\{$namespace:}"$'\n'
done <"$shipped"
printf %s "$users" >"$dir/users.acl"
echo "Redis's own user has to be able to read users.acl. With systemd: install -o root -g redis -m 0640 $dir/users.acl /etc/redis/users.acl" >&2
