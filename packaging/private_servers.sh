# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by packaging/try and tests/bench/smoke: private servers on loopback, in one temporary directory, gone with the script.

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The script's directory, and what it started, oldest first.
tmp=
pids=()

# Called first: from here on every way out, Ctrl-C included, passes through clean_up.
begin() {
  trap 'clean_up $?' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
  tmp=$(mktemp -d "${TMPDIR:-/tmp}/sluse.XXXXXX")
  # The server may run as another user than this script, and must reach its directory.
  chmod 711 "$tmp"
}

clean_up() {
  local i
  trap - EXIT
  trap '' HUP INT PIPE TERM
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do stop "${pids[i]}"; done
  if [ -n "$tmp" ]; then rm -rf -- "$tmp"; fi
  exit "$1"
}

# A job's state counts as ended when only its exit status is left.
is_running() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  stat=${stat##*) }
  [ "${stat%% *}" != Z ]
}

# stop PID: asks, waits up to ten seconds, insists.
stop() {
  local i
  kill -TERM "$1" 2>/dev/null || return 0
  for ((i = 0; i < 200; i++)); do
    is_running "$1" || break
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# free_port: sets port to one below the kernel's own range that no socket has, and never to the same one twice.
next_port=$((20000 + RANDOM % 8000))
free_port() {
  local hex
  while :; do
    port=$next_port
    next_port=$((next_port + 1))
    printf -v hex ':%04X ' "$port"
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "^ *[0-9]*: [0-9A-F]*$hex" || return 0
  done
}

# await PID LOG WHAT COMMAND...: until COMMAND succeeds; ends the script with the log's end when PID ends or 30 s pass.
await() {
  local pid=$1 log=$2 what=$3 i
  shift 3
  for ((i = 0; i < 600; i++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    is_running "$pid" || break
    sleep 0.05
  done
  tail -n 20 "$log" >&2
  die "$what did not come up (the end of its log is above)"
}

# sql: runs its standard input as the server's root.
sql() { mariadb --no-defaults --socket="$db_socket" --user=root; }
answers_sql() { sql <<<'DO 0'; }

# start_mariadb OPTION...: sets db_port, db_socket and db_pid; schema and account are both "app", password "app".
start_mariadb() {
  local data=$tmp/db log=$tmp/mariadb.log user
  # Debian keeps the server where only root looks for programs.
  PATH=$PATH:/usr/sbin:/sbin
  user=$(id -un)
  mkdir -m 700 "$data"
  if [ "$(id -u)" = 0 ]; then
    user=mysql
    chown mysql "$data"
  fi
  mariadb-install-db --no-defaults --user="$user" --datadir="$data" --tmpdir="$data" --auth-root-authentication-method=normal \
    --skip-test-db >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "mariadb-install-db failed (see above)"; }
  free_port
  db_port=$port
  db_socket=$data/server.sock
  # The root account has no password: its only way in is the socket, in a directory that is closed to others.
  mariadbd --no-defaults --user="$user" --datadir="$data" --tmpdir="$data" --socket="$db_socket" --bind-address=127.0.0.1 \
    --port="$db_port" --pid-file="$data/server.pid" --skip-name-resolve --skip-log-bin --back-log=1024 \
    --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=128M "$@" >>"$log" 2>&1 </dev/null &
  db_pid=$!
  pids+=("$db_pid")
  await "$db_pid" "$log" MariaDB answers_sql
  sql <<'SQL'
DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');
FLUSH PRIVILEGES;
CREATE DATABASE app;
CREATE USER app@127.0.0.1 IDENTIFIED BY 'app';
GRANT ALL ON app.* TO app@127.0.0.1;
SQL
}

accepts() { (: <"/dev/tcp/127.0.0.1/$1"); }

# http_get PORT PATH: the whole response, without needing curl. http_body: what follows its headers.
http_get() {
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
  timeout 5 cat <&3
  exec 3>&-
}
http_body() { http_get "$1" "$2" | sed '1,/^\r*$/d'; }
is_ready() { http_get "$sluse_stats" /readyz | sed -n 1p | grep -q '^HTTP/1\.[01] 200'; }

# start_sluse PROGRAM SIZE WORKERS: sets sluse_port, sluse_stats and sluse_pid.
start_sluse() {
  free_port
  sluse_port=$port
  free_port
  sluse_stats=$port
  # Only its owner may read it: it has a password in it.
  (umask 077 && cat >"$tmp/pool.ini") <<INI
[sluse]
listen = 127.0.0.1:$sluse_port
workers = $3

[backend]
host = 127.0.0.1
port = $db_port

[pool]
size = $2
wait_timeout = 60s

[account app]
password = app

[stats]
listen = 127.0.0.1:$sluse_stats
INI
  "$1" -c "$tmp/pool.ini" >"$tmp/sluse.log" 2>&1 </dev/null &
  sluse_pid=$!
  pids+=("$sluse_pid")
  await_sluse
}
await_sluse() { await "$sluse_pid" "$tmp/sluse.log" sluse is_ready; }

# build_release TARGET...: quietly, unless it fails.
build_release() {
  if ! { cmake --preset release && cmake --build --preset release --target "$@"; } >"$tmp/build.log" 2>&1 </dev/null; then
    tail -n 40 "$tmp/build.log" >&2
    die "the build failed (its last lines are above)"
  fi
}
